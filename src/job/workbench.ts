import type { Dataset, Split } from "../data/dataset.ts";
import type { PictureLoader } from "../data/view.ts";
import { replaceHead } from "../models/head.ts";
import type { Model } from "../onnx/graph.ts";
import type { Recipe } from "../plan/plan.ts";
import { classCounts, squareRootWeights } from "../train/class-weights.ts";
import type { Example } from "../train/fit-options.ts";
import type { Network } from "./network.ts";
import { type Pictures, samplesOn } from "./pictures.ts";

/** What every training of one run shares. */
export interface Workbench {
  readonly network: Network;
  /** The whole network with its new, untrained head. */
  readonly headed: Model;
  readonly dataset: Dataset;
  readonly loader: PictureLoader;
  readonly examples: Readonly<Record<Split, readonly Example[]>>;
  /** One weight a class for the loss. */
  readonly classWeights: readonly number[];
  readonly recipe: Recipe;
  readonly seed: number;
  readonly threads?: number;
  /** Budget for cached activations, in bytes. */
  readonly memoryBytes: number;
  /** The same for caches in a file. */
  readonly fileBytes: number;
  /** Folder for caches that do not fit into memory; what is in it can be computed again. */
  readonly scratch: string;
}

/** Lays everything out that training needs. */
export function layOut(
  pictures: Pictures,
  network: Network,
  loader: PictureLoader,
  recipe: Recipe,
  options: {
    readonly seed: number;
    readonly threads?: number;
    readonly memoryMB: number;
    readonly fileBytes: number;
    readonly scratch: string;
  },
): Workbench {
  const { dataset, sides } = pictures;
  const classes = dataset.classes.length;
  const on = (side: Split): Example[] =>
    samplesOn(side, sides).map((sample) => ({
      sample,
      label: dataset.samples[sample]?.label ?? 0,
    }));
  const train = on("train");
  const labels = train.map(({ label }) => label);
  return {
    network,
    headed: replaceHead(network.pretrained.model, network.shapes, {
      classes,
      dropout: recipe.dropout,
      seed: options.seed,
    }),
    dataset,
    loader,
    examples: { train, val: on("val"), test: on("test") },
    classWeights: squareRootWeights(classCounts(labels, classes)),
    recipe,
    seed: options.seed,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    memoryBytes: options.memoryMB * 1e6,
    fileBytes: options.fileBytes,
    scratch: options.scratch,
  };
}
