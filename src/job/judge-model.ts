import type { Dataset } from "../data/dataset.ts";
import { plainView } from "../data/view.ts";
import { type Calibration, calibrate } from "../evaluate/calibration.ts";
import { type Metrics, measure } from "../evaluate/metrics.ts";
import { ViewRenderer } from "../node/view-renderer.ts";
import type { Example } from "../train/fit-options.ts";
import { readAhead } from "../train/read-ahead.ts";
import type { JobContext } from "./events.ts";
import { openResult } from "./result-model.ts";

/** How a finished model does on labelled pictures. */
export interface Judgement {
  /** [N, classes], in the order of the examples. */
  readonly probabilities: Float32Array;
  readonly metrics: Metrics;
  readonly calibration: Calibration;
}

const batchSize = 16;

/** Runs a model's file, as anyone would use it, over labelled pictures. */
export async function judgeModel(
  model: Uint8Array,
  dataset: Dataset,
  examples: readonly Example[],
  { threads }: { readonly threads?: number | undefined },
  { onEvent, signal }: JobContext,
): Promise<Judgement> {
  const result = await openResult(model, "the finished model", threads);
  const { preprocessing } = result;
  const rowLength = 3 * preprocessing.height * preprocessing.width;
  const renderer = new ViewRenderer({
    dataset,
    ids: dataset.samples.map(({ id }) => id),
    preprocessing,
    seed: 0,
    flips: false,
    // Each picture is looked at once: nothing is worth keeping.
    keptBytes: 0,
  });
  const load = async (some: readonly Example[]) => {
    const pixels = new Float32Array(some.length * rowLength);
    await Promise.all(
      some.map(({ sample }, row) => renderer.render(plainView(sample), pixels, row * rowLength)),
    );
    return pixels;
  };
  try {
    const classes = result.labels.length;
    const probabilities = new Float32Array(examples.length * classes);
    const batches = Math.ceil(examples.length / batchSize);
    const read = readAhead(
      (index) => load(examples.slice(index * batchSize, (index + 1) * batchSize)),
      batches,
    );
    for (let index = 0; index < batches; index++) {
      signal?.throwIfAborted();
      probabilities.set(await result.run(await read(index)), index * batchSize * classes);
      const done = Math.min((index + 1) * batchSize, examples.length);
      onEvent?.({ kind: "progress", done, total: examples.length });
    }
    const labels = examples.map(({ label }) => label);
    return {
      probabilities,
      metrics: measure(probabilities, labels, classes),
      calibration: calibrate(probabilities, labels, classes),
    };
  } finally {
    renderer.close();
    await result.close();
  }
}
