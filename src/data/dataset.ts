export type Split = "train" | "val" | "test";

/** One labelled picture. */
export interface Sample {
  /** Stable within a dataset: the path relative to its root with `/`, or `file.parquet#row`. */
  readonly id: string;
  /** Index into `Dataset.classes`. */
  readonly label: number;
  /** Given by the dataset; absent where Thaw splits. */
  readonly split?: Split;
  /** Samples of one group (one patient, one video) never stand on both sides of a split. */
  readonly group?: string;
}

/** What a folder of pictures says about itself before any picture is opened. */
export interface Dataset {
  /** Absolute path of the folder or file it was read from. */
  readonly root: string;
  readonly layout: "folders" | "split-folders" | "manifest" | "imagefolder" | "parquet";
  readonly classes: readonly string[];
  readonly samples: readonly Sample[];
}

/** Gives the encoded bytes (JPEG, PNG ...) of a sample. */
export interface PictureSource {
  read(sample: Sample): Promise<Uint8Array>;
}

/** Decoded pixels, interleaved RGB, 8 bits a channel: `data.length` is width x height x 3. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
