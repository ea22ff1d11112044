import { readFeatures } from "../models/metadata.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { foldBatchNorm } from "../onnx/fold-batch-norm.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { writeModel } from "../onnx/write.ts";
import { prefixLoader } from "../train/boundary-cache.ts";
import type { Example } from "../train/fit-options.ts";
import type { ProbeData } from "../train/linear-probe.ts";
import type { JobContext } from "./events.ts";
import type { Workbench } from "./workbench.ts";

/** What the frozen backbone says about every picture, computed once. */
export interface FeatureTable {
  /** Rows [N, D] and labels of some of the pictures. */
  of(examples: readonly Example[]): ProbeData;
}

const batchSize = 32;

/** Runs the frozen backbone once over all pictures, plain views. */
export async function tabulateFeatures(
  bench: Workbench,
  { onEvent, signal }: JobContext,
): Promise<FeatureTable> {
  const { headed, network, loader, examples } = bench;
  const output = readFeatures(headed);
  if (output === undefined) throw new TypeError("a headed network names its features");
  const width = featureWidth(bench);
  const backbone = foldBatchNorm(subgraph(headed, { outputs: [output] }));
  const session = await onnxRuntime.open(
    writeModel(backbone),
    bench.threads === undefined ? {} : { threads: bench.threads },
  );
  try {
    const all = [...examples.train, ...examples.val, ...examples.test];
    const table = new Float32Array(all.length * width);
    const rowOf = new Map(all.map(({ sample }, row) => [sample, row]));
    const features = prefixLoader(
      loader,
      { session, input: network.pretrained.input, output, dims: [width] },
      batchSize,
    );
    const load = (start: number) =>
      features.load(
        all
          .slice(start, start + batchSize)
          .map(({ sample }) => ({ sample, strength: "none", draw: 0 })),
      );
    for (let start = 0; start < all.length; start += batchSize) {
      signal?.throwIfAborted();
      table.set(await load(start), start * width);
      onEvent?.({
        kind: "progress",
        done: Math.min(start + batchSize, all.length),
        total: all.length,
      });
    }
    return {
      of(some) {
        const rows = new Float32Array(some.length * width);
        some.forEach(({ sample }, at) => {
          const row = rowOf.get(sample) ?? 0;
          rows.set(table.subarray(row * width, (row + 1) * width), at * width);
        });
        return { features: rows, labels: some.map(({ label }) => label) };
      },
    };
  } finally {
    await session.release();
  }
}

function featureWidth({ headed }: Workbench): number {
  return headed.graph.initializers.get("head.weight")?.dims[1] ?? 0;
}
