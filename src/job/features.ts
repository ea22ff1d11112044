import { plainView } from "../data/view.ts";
import { readFeatures } from "../models/metadata.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { foldBatchNorm } from "../onnx/fold-batch-norm.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { writeModel } from "../onnx/write.ts";
import { prefixLoader } from "../train/boundary-cache.ts";
import type { Example } from "../train/fit-options.ts";
import type { ProbeData } from "../train/linear-probe.ts";
import { readAhead } from "../train/read-ahead.ts";
import { floatsCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import type { Steps } from "./steps.ts";
import type { KnownFeatures } from "./survey.ts";
import type { Workbench } from "./workbench.ts";

/** What the frozen backbone says about every picture, computed once. */
export interface FeatureTable {
  /** Rows [N, D] and labels of some of the pictures. */
  of(examples: readonly Example[]): ProbeData;
}

const batchSize = 8;
/** Pictures between two checkpoints: under half a minute even at ten pictures a second. */
const blockSize = 32 * batchSize;

/**
 * Runs the frozen backbone once over all pictures that it did not see yet, plain views, resuming at
 * the last whole block.
 */
export async function tabulateFeatures(
  bench: Workbench,
  known: KnownFeatures,
  steps: Steps,
  { onEvent, signal }: JobContext,
): Promise<FeatureTable> {
  const { headed, network, loader, examples } = bench;
  const output = readFeatures(headed);
  if (output === undefined) throw new TypeError("a headed network names its features");
  const width = headed.graph.initializers.get("head.weight")?.dims[1] ?? 0;
  const backbone = foldBatchNorm(subgraph(headed, { outputs: [output] }));
  const session = await onnxRuntime.open(
    writeModel(backbone),
    bench.threads === undefined ? {} : { threads: bench.threads },
  );
  const all = [...examples.train, ...examples.val, ...examples.test];
  const rowOf = new Map(all.map(({ sample }, row) => [sample, row]));
  const table = new Float32Array(all.length * width);
  const enter = (samples: readonly number[], rows: Float32Array) => {
    samples.forEach((sample, i) => {
      table.set(rows.subarray(i * width, (i + 1) * width), (rowOf.get(sample) ?? 0) * width);
    });
  };
  if (known.features.length !== known.samples.length * width) {
    throw new RangeError(`features of ${known.samples.length} pictures are not ${width} wide`);
  }
  enter(known.samples, known.features);
  const seen = new Set(known.samples);
  const unseen = all.filter(({ sample }) => !seen.has(sample));
  const features = prefixLoader(
    loader,
    { session, input: network.pretrained.input, output, dims: [width] },
    batchSize,
  );

  async function compute(from: number, to: number): Promise<Float32Array> {
    const block = new Float32Array((to - from) * width);
    const read = readAhead(
      (index) => {
        const start = from + index * batchSize;
        return features.load(
          unseen
            .slice(start, Math.min(start + batchSize, to))
            .map(({ sample }) => plainView(sample)),
        );
      },
      Math.ceil((to - from) / batchSize),
    );
    for (let start = from; start < to; start += batchSize) {
      signal?.throwIfAborted();
      const index = (start - from) / batchSize;
      block.set(await read(index), index * batchSize * width);
      const done = Math.min(start + batchSize, to);
      onEvent?.({ kind: "progress", done, total: unseen.length });
    }
    return block;
  }

  try {
    for (let from = 0; from < unseen.length; from += blockSize) {
      const to = Math.min(from + blockSize, unseen.length);
      const name = `features-${from / blockSize}`;
      const block = await steps.once(name, floatsCodec, () => compute(from, to));
      enter(
        unseen.slice(from, to).map(({ sample }) => sample),
        block,
      );
    }
  } finally {
    await session.release();
  }
  return tableOf(rowOf, table, width);
}

function tableOf(
  rowOf: ReadonlyMap<number, number>,
  table: Float32Array,
  width: number,
): FeatureTable {
  return {
    of(some) {
      const labels = some.map(({ label }) => label);
      const rows = some.map(({ sample }) => rowOf.get(sample) ?? 0);
      const [first = 0] = rows;
      // A whole side of the split stands in the table as it is asked for.
      if (rows.every((row, at) => row === first + at)) {
        return { features: table.subarray(first * width, (first + rows.length) * width), labels };
      }
      const features = new Float32Array(rows.length * width);
      rows.forEach((row, at) => {
        features.set(table.subarray(row * width, (row + 1) * width), at * width);
      });
      return { features, labels };
    },
  };
}
