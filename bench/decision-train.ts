import { type FeatureTable, tabulateFeatures } from "../src/job/features.ts";
import type { Steps } from "../src/job/steps.ts";
import { layOut, type Workbench } from "../src/job/workbench.ts";
import { onnxRuntime } from "../src/node/onnxruntime.ts";
import { foldBatchNorm } from "../src/onnx/fold-batch-norm.ts";
import type { Tensor } from "../src/onnx/tensor.ts";
import { writeModel } from "../src/onnx/write.ts";
import type { Recipe } from "../src/plan/plan.ts";
import { prefixLoader } from "../src/train/boundary-cache.ts";
import { withTensors } from "../src/train/export.ts";
import { fitLinearProbe, type LinearProbe } from "../src/train/linear-probe.ts";
import { argmaxRows } from "../src/train/softmax.ts";
import type { Cell } from "./decision-cell.ts";

/** Steps that keep nothing: the benchmark resumes between trainings, not inside one. */
export const forgetful: Steps = {
  once: (_name, _codec, compute) => compute(),
  checkpoint: async () => undefined,
  restore: async () => undefined,
  forget: async () => undefined,
};

/** A cell laid out for training, with its linear probe. */
export interface Laid {
  readonly bench: Workbench;
  readonly features: FeatureTable;
  readonly probe: LinearProbe;
  readonly seconds: number;
}

export async function lay(cell: Cell, recipe: Recipe): Promise<Laid> {
  const began = performance.now();
  const { seed, memoryMB, threads } = cell.options;
  const bench = layOut(cell.all, cell.network, cell.loader, recipe, {
    seed,
    memoryMB,
    fileBytes: 2 ** 30,
    scratch: cell.scratch,
    ...(threads === undefined ? {} : { threads }),
  });
  const given = { ...bench, examples: { ...bench.examples, test: [] } };
  const features = await tabulateFeatures(given, cell.known, forgetful, {});
  const probe = await fitLinearProbe({
    runtime: onnxRuntime,
    classes: bench.dataset.classes.length,
    train: features.of(bench.examples.train),
    validation: features.of(bench.examples.val),
    classWeights: bench.classWeights,
  });
  return { bench, features, probe, seconds: (performance.now() - began) / 1000 };
}

/** Which held-out pictures a network names right, 1 or 0 a picture. */
export async function heldOutHits(
  { headed, network, loader, examples, dataset, threads }: Workbench,
  trained: ReadonlyMap<string, Tensor>,
): Promise<number[]> {
  const model = withTensors(headed, trained);
  const [output] = model.graph.outputs;
  if (output === undefined) throw new TypeError("a headed network has an output");
  const session = await onnxRuntime.open(
    writeModel(foldBatchNorm(model)),
    threads === undefined ? {} : { threads },
  );
  try {
    const classes = dataset.classes.length;
    const judge = prefixLoader(
      loader,
      { session, input: network.pretrained.input, output: output.name, dims: [classes] },
      32,
    );
    const hits: number[] = [];
    for (let start = 0; start < examples.test.length; start += 32) {
      const some = examples.test.slice(start, start + 32);
      const logits = await judge.load(
        some.map(({ sample }) => ({ sample, strength: "none", draw: 0 })),
      );
      const guesses = argmaxRows(logits, classes);
      hits.push(...some.map(({ label }, row) => (guesses[row] === label ? 1 : 0)));
    }
    return hits;
  } finally {
    await session.release();
  }
}

export const quiet = { log: () => undefined };
