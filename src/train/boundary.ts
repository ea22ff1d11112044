import type { AugmentationStrength, View } from "../data/view.ts";
import { elementCount } from "../onnx/tensor.ts";
import { type ActivationStore, memoryStore } from "./activation-store.ts";
import { type FeatureLoader, fillCache, rowBytes } from "./boundary-cache.ts";
import { type CacheBudget, type CacheChoice, chooseCache } from "./choose-cache.ts";

export interface BoundaryOptions {
  /** The frozen layers at work on pictures, or the pictures themselves where none are frozen. */
  readonly loader: FeatureLoader;
  /** Samples that are augmented, and samples that are only looked at. */
  readonly train: readonly number[];
  readonly heldOut: readonly number[];
  readonly augmentation: AugmentationStrength;
  /** Augmented views wanted of each training picture; 0 for fresh ones every epoch. */
  readonly views: number;
  readonly epochs: number;
  /** The same at a resume as at the start, so that the same choice is made again. */
  readonly budget: CacheBudget;
  /** Opens the file that takes what is too large for memory. */
  readonly openFile: (rowBytes: number) => Promise<ActivationStore>;
  readonly batchSize: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The input of the trainable part, cached or not. */
export interface Boundary {
  readonly features: FeatureLoader;
  /** What was chosen; `views` is what a fit is to be given. */
  readonly choice: CacheChoice;
  close(): Promise<void>;
}

/**
 * Chooses by size and budget how the trainable part gets its input, and fills the cache where
 * there is to be one.
 * @throws ThawError whatever the loader or the file throws; the signal's reason
 */
export async function openBoundary(options: BoundaryOptions): Promise<Boundary> {
  const { loader, train, heldOut, augmentation } = options;
  const choice = chooseCache(
    {
      scalars: elementCount(loader.dims),
      trainPictures: train.length,
      heldOutPictures: heldOut.length,
      views: augmentation === "none" ? 1 : options.views,
      epochs: options.epochs,
    },
    options.budget,
  );
  if (choice.where === "recompute") {
    return { features: loader, choice, close: async () => undefined };
  }
  const bytes = rowBytes(loader.dims, choice.type);
  const store = choice.where === "memory" ? memoryStore(bytes) : await options.openFile(bytes);
  try {
    const views = [
      ...Array.from({ length: choice.views }, (_, draw) =>
        train.map((sample): View => ({ sample, strength: augmentation, draw })),
      ).flat(),
      ...heldOut.map((sample): View => ({ sample, strength: "none", draw: 0 })),
    ];
    const features = await fillCache(loader, views, { ...options, store, type: choice.type });
    return { features, choice, close: () => store.close() };
  } catch (cause) {
    await store.close();
    throw cause;
  }
}
