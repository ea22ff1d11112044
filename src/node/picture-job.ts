import type { Dataset } from "../data/dataset.ts";
import type { View } from "../data/view.ts";
import type { Fault } from "../errors.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import type { SharedPictures } from "./decoded-pictures.ts";

/** What a picture thread is given once, at its start. */
export interface PictureThreadSetup {
  readonly dataset: Pick<Dataset, "root" | "layout">;
  /** Sample ids by index. */
  readonly ids: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly seed: number;
  readonly flips: boolean;
  /** Pictures that need not be decoded again. */
  readonly decoded?: SharedPictures | undefined;
  /** Decoded pixels this thread may keep, in its file. */
  readonly keptBytes: number;
  readonly folder?: string | undefined;
}

/** Some rows of a batch; the thread writes them into `rows`, one input a view. */
export interface PictureJob {
  readonly job: number;
  readonly views: readonly (View & { readonly row: number })[];
  readonly rows: SharedArrayBuffer;
}

/** The rows are written, or why they are not. */
export interface PictureReply {
  readonly job: number;
  readonly fault?: Fault;
}
