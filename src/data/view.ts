import { z } from "zod";

/** How much views of a picture vary; under `strong` training mixes pictures as well (mixup). */
export const augmentationStrength = z.enum(["none", "light", "medium", "strong"]);
export type AugmentationStrength = z.infer<typeof augmentationStrength>;

/** One way to look at a picture. The same view gives the same bytes, in any order and on any thread. */
export interface View {
  /** Index into the dataset's samples. */
  readonly sample: number;
  readonly strength: AugmentationStrength;
  /** Which augmented draw, 0 upwards; without meaning for strength `none`. */
  readonly draw: number;
}

/** The picture as it is, without augmentation. */
export function plainView(sample: number): View {
  return { sample, strength: "none", draw: 0 };
}

/** Turns views into network inputs; implemented in `node/` on threads of its own. */
export interface PictureLoader {
  /** Channels, height, width of one input. */
  readonly dims: readonly [3, number, number];
  /**
   * Float32 NCHW, normalised as the network expects, one row a view in the order asked for.
   * Calls may overlap: asking for the next batch early is how decoding runs beside training.
   * @throws ThawError `data/unreadable-picture`
   */
  load(views: readonly View[]): Promise<Float32Array>;
  close(): Promise<void>;
}
