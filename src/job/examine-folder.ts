import type { Dataset } from "../data/dataset.ts";
import type { PictureFacts, UnreadablePicture } from "../data/picture-facts.ts";
import type { Ignored } from "../data/walk.ts";
import type { DecodedPictures } from "../node/decoded-pictures.ts";
import { examinePictures } from "../node/examine-pictures.ts";
import { openDataset } from "../node/open-dataset.ts";
import type { JobContext } from "./events.ts";

/** A folder of pictures of which each was looked at once. */
export interface Examined {
  readonly dataset: Dataset;
  readonly ignored: readonly Ignored[];
  /** One entry a sample, in their order. */
  readonly facts: readonly (PictureFacts | UnreadablePicture)[];
}

/**
 * Opens a folder of pictures and looks at each of them.
 * @param decoded takes what was decoded on the way
 * @throws ThawError `data/*`; the signal's reason
 */
export async function examineFolder(
  folder: string,
  { onEvent, signal }: JobContext,
  decoded?: DecodedPictures,
): Promise<Examined> {
  onEvent?.({ kind: "phase", says: "Looking at the pictures" });
  const { dataset, ignored } = await openDataset(folder);
  const total = dataset.samples.length;
  const facts = await examinePictures(dataset, {
    decoded,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done) => onEvent?.({ kind: "progress", done, total }),
  });
  return { dataset, ignored, facts };
}
