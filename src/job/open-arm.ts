import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { type AugmentationStrength, plainView, type View } from "../data/view.ts";
import type { Cut } from "../models/pretrained.ts";
import { splitAt } from "../models/split.ts";
import { activationFile } from "../node/activation-file.ts";
import { makeFolder } from "../node/make-folder.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { elementCount } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import { inferenceBatchSize } from "../runtime/inference-batch.ts";
import { type ActivationStore, memoryStore } from "../train/activation-store.ts";
import {
  type CacheOptions,
  type FeatureLoader,
  type FrozenPrefix,
  fillCache,
  prefixLoader,
  rowBytes,
} from "../train/boundary-cache.ts";
import { type CacheChoice, chooseCache } from "../train/choose-cache.ts";
import type { Example } from "../train/fit-options.ts";
import { layerDecayGroups } from "../train/parameter-groups.ts";
import type { OpenArm } from "../train/search.ts";
import { calibratedLosses } from "./calibrated-losses.ts";
import type { JobContext } from "./events.ts";
import { json, type Steps } from "./steps.ts";
import type { Workbench } from "./workbench.ts";

/** One way to train: where to thaw, how much to augment, how fast to learn. */
export interface ArmSetting {
  /** Index into the candidate thaw points. */
  readonly thawIndex: number;
  readonly augmentation: AugmentationStrength;
  readonly learningRate: number;
}

/** Fine-tuning moves pretrained weights; one bad batch must not throw them far. */
const clipNorm = 1;
/** A cosine schedule is at its best at its end: a short one always gets there, a long one may be cut. */
const leastPatience = 16;
const patienceShare = 0.5;
const warmup = 0.1;
/** Strong augmentation mixes pictures as well, lightly. */
const mixupAlpha = 0.2;
/** How many rows of which activations are safe in the run's file. */
const keptRows = json(z.object({ of: z.string(), rows: z.int().nonnegative() }));
/** Beyond this a cache file costs more to write and read than the layers it saves. */
const largestFile = 2 ** 30;

/**
 * Splits the network at an arm's thaw point and keeps the frozen layers' outputs for every
 * picture that its trainings will look at.
 * @param augmented pictures trained on, seen in augmented views
 * @param plain pictures judged on, seen as they are
 */
export async function openArm(
  bench: Workbench,
  setting: ArmSetting,
  augmented: readonly Example[],
  plain: readonly Example[],
  steps: Steps,
  context: JobContext,
): Promise<OpenArm> {
  const { network, headed, recipe } = bench;
  const cut = cutOf(bench, setting);
  const { prefix, suffix } = splitAt(headed, cut);
  const deeper = network.candidates.slice(setting.thawIndex).map(({ value }) => value);
  const { augmentation } = setting;
  const choice = cacheOf(bench, setting, augmented, plain);
  const frozen =
    prefix === undefined || choice === undefined
      ? undefined
      : await openCache(
          bench,
          {
            session: await onnxRuntime.open(writeModel(prefix), threadsOf(bench)),
            input: network.pretrained.input,
            output: cut.value,
            dims: cut.dims.slice(1),
          },
          choice,
          viewsOf(augmentation, choice.views, augmented, plain),
          steps,
          context,
        );
  return {
    fit: {
      runtime: onnxRuntime,
      ...threadsOf(bench),
      network: suffix,
      groups: layerDecayGroups(suffix.graph, deeper, recipe.layerDecay),
      loss: { labelSmoothing: recipe.labelSmoothing, classWeights: bench.classWeights },
      optimizer:
        recipe.optimizer === "adamw"
          ? {
              kind: "adamw",
              beta1: 0.9,
              beta2: 0.999,
              epsilon: 1e-8,
              weightDecay: recipe.weightDecay,
            }
          : { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: recipe.weightDecay },
      batchNorm: "frozen",
      clipNorm,
      classes: bench.dataset.classes.length,
      idOf: (sample) => bench.dataset.samples[sample]?.id ?? String(sample),
      features: frozen?.features ?? bench.loader,
      augmentation,
      ...(augmentation === "strong" ? { mixup: mixupAlpha } : {}),
      views: choice?.views ?? 0,
      batchSize: recipe.batchSize,
      epochs: recipe.epochs,
      learningRate: setting.learningRate,
      warmup,
      patience: Math.max(leastPatience, Math.round(recipe.epochs * patienceShare)),
      ...(recipe.interpolation === null
        ? {}
        : { interpolation: { prior: recipe.interpolation, losses: calibratedLosses } }),
      seed: bench.seed,
    },
    close: async () => frozen?.close(),
  };
}

/** Where an arm's frozen layers' outputs are kept; undefined where nothing is frozen. */
export function cacheOf(
  bench: Workbench,
  setting: ArmSetting,
  augmented: readonly Example[],
  plain: readonly Example[],
): CacheChoice | undefined {
  const { network, recipe } = bench;
  const cut = cutOf(bench, setting);
  if (cut.value === network.pretrained.input) return undefined;
  const seenPlain = new Set(plain.map(({ sample }) => sample));
  return chooseCache(
    {
      scalars: elementCount(cut.dims.slice(1)),
      // Without augmentation a picture that is judged on as well takes no row of its own.
      trainPictures:
        setting.augmentation === "none"
          ? augmented.filter(({ sample }) => !seenPlain.has(sample)).length
          : augmented.length,
      heldOutPictures: plain.length,
      views: setting.augmentation === "none" ? 1 : recipe.views,
      epochs: recipe.epochs,
    },
    { memoryBytes: bench.memoryBytes, fileBytes: Math.min(largestFile, bench.fileBytes) },
  );
}

function cutOf({ network }: Workbench, { thawIndex }: ArmSetting): Cut {
  const cut = network.candidates[thawIndex];
  if (cut === undefined) throw new RangeError(`no thaw point ${thawIndex}`);
  return cut;
}

async function openCache(
  bench: Workbench,
  prefix: FrozenPrefix,
  choice: CacheChoice,
  views: readonly View[],
  steps: Steps,
  { onEvent, signal }: JobContext,
): Promise<{ features: FeatureLoader; close(): Promise<void> }> {
  const running = prefixLoader(bench.loader, prefix, inferenceBatchSize);
  if (choice.where === "recompute") {
    return { features: running, close: () => prefix.session.release() };
  }
  onEvent?.({ kind: "note", says: choice.why });
  const bytes = rowBytes(prefix.dims, choice.type);
  let store: ActivationStore | undefined;
  try {
    const keeping =
      choice.where === "memory"
        ? { store: memoryStore(bytes) }
        : await keepInFile(bench, bytes, [prefix.output, choice.type, views], steps);
    store = keeping.store;
    const features = await fillCache(running, views, {
      ...keeping,
      type: choice.type,
      batchSize: bench.recipe.batchSize,
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done, total) => onEvent?.({ kind: "progress", done, total }),
    });
    const { close } = store;
    return { features, close };
  } catch (cause) {
    await store?.close();
    throw cause;
  } finally {
    await prefix.session.release();
  }
}

/**
 * Keeps activations in the run's file, going on from the rows that were safe when it was left.
 * @param activations what tells them from any others
 */
async function keepInFile(
  { scratch }: Workbench,
  bytes: number,
  activations: readonly unknown[],
  steps: Steps,
): Promise<Pick<CacheOptions, "store" | "kept" | "onKept">> {
  const of = createHash("sha256").update(JSON.stringify(activations)).digest("hex");
  const known = await steps.restore("activations", keptRows);
  const safe = known?.of === of ? known.rows : 0;
  // From here on the file no longer holds what a record of other activations says.
  if (safe === 0) await steps.forget("activations");
  await makeFolder(scratch);
  const store = await activationFile(join(scratch, "activations"), bytes);
  return {
    store,
    kept: Math.min(safe, store.rows),
    onKept: async (rows) => {
      await store.sync();
      await steps.checkpoint("activations", keptRows, { of, rows });
    },
  };
}

function viewsOf(
  strength: AugmentationStrength,
  draws: number,
  augmented: readonly Example[],
  plain: readonly Example[],
): View[] {
  const asTheyAre = new Set(plain.map(({ sample }) => sample));
  if (strength === "none") for (const { sample } of augmented) asTheyAre.add(sample);
  return [
    ...[...asTheyAre].map(plainView),
    ...(strength === "none"
      ? []
      : augmented.flatMap(({ sample }) =>
          Array.from({ length: draws }, (_, draw): View => ({ sample, strength, draw })),
        )),
  ];
}

function threadsOf({ threads }: Workbench): { readonly threads?: number } {
  return threads === undefined ? {} : { threads };
}
