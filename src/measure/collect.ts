import { type PictureLoader, plainView } from "../data/view.ts";
import { ThawError } from "../errors.ts";
import type { Shapes } from "../models/flops.ts";
import type { Cut, Pretrained } from "../models/pretrained.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import { inferenceBatchSize } from "../runtime/inference-batch.ts";
import type { Runtime } from "../runtime/session.ts";
import { type BatchNormLayer, batchNormLayers, ChannelMoments } from "./batchnorm-drift.ts";
import { type Matrix, zeros } from "./linear-algebra.ts";
import { measuringGraph } from "./measuring-graph.ts";
import type { CutFeatures } from "./transferability.ts";

/** Everything one forward pass over the measured pictures leaves behind. */
export interface Observations {
  /** Class index of every measured picture; row order of all matrices. */
  readonly labels: readonly number[];
  /** Pooled features at every cut, in depth order. */
  readonly cuts: readonly CutFeatures[];
  /** Pooled features at the last cut: what a classifier sees. */
  readonly embeddings: Matrix;
  readonly norms: readonly {
    readonly layer: BatchNormLayer;
    readonly observed: ChannelMoments;
  }[];
}

export interface CollectOptions {
  readonly runtime: Runtime;
  readonly pretrained: Pretrained;
  /** Dimensions of every value for a batch of one. */
  readonly shapes: Shapes;
  /** Candidate thaw points in depth order, the last one at the classifier. */
  readonly cuts: readonly Cut[];
  readonly loader: PictureLoader;
  /** The pictures to measure, as chosen by `chooseSample`. */
  readonly samples: readonly { readonly sample: number; readonly label: number }[];
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Called after every batch with the number of pictures done. */
  readonly onProgress?: (pictures: number) => void;
}

/**
 * One forward pass over the measured pictures: features at every cut and the statistics at every
 * norm. Decoding of the next batch runs beside the network.
 * @throws ThawError `measure/no-pictures`, `measure/not-finite`, `runtime/*`, `data/unreadable-picture`;
 * the signal's reason when aborted
 */
export async function collect(options: CollectOptions): Promise<Observations> {
  const { runtime, pretrained, shapes, cuts, loader, samples } = options;
  if (samples.length === 0) {
    throw new ThawError({
      code: "measure/no-pictures",
      what: "There is no picture to measure",
      next: "Check the audit with `thaw inspect`: every picture may be unreadable.",
    });
  }
  const layers = reachable(pretrained, cuts);
  const measuring = measuringGraph(pretrained.model, shapes, cuts, layers);
  const norms = layers.map((layer) => ({
    layer,
    observed: new ChannelMoments(layer.mean.length),
  }));
  const features = cuts.map((cut) => ({ cut, features: zeros(samples.length, width(cut)) }));
  const batch = batchSize(pretrained);
  const load = (start: number) =>
    loader.load(samples.slice(start, start + batch).map(({ sample }) => plainView(sample)));
  const session = await runtime.open(writeModel(measuring.model), {
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    let next = load(0);
    for (let start = 0; start < samples.length; start += batch) {
      const pixels = await next;
      options.signal?.throwIfAborted();
      const count = Math.min(batch, samples.length - start);
      if (start + batch < samples.length) {
        next = load(start + batch);
        // The failure is reported when the batch's turn comes; until then it must not be unhandled.
        next.catch(() => undefined);
      }
      const outputs = await session.run({
        [pretrained.input]: float32(padded(pixels, count, batch), [batch, ...loader.dims]),
      });
      measuring.cuts.forEach((name, i) => {
        const target = features[i]?.features;
        const rows = rowsOf(outputs[name], count, batch);
        if (target !== undefined) target.data.set(rows, start * target.cols);
      });
      measuring.norms.forEach(({ mean, meanSquare }, i) => {
        norms[i]?.observed.add(
          rowsOf(outputs[mean], count, batch),
          rowsOf(outputs[meanSquare], count, batch),
        );
      });
      options.onProgress?.(start + count);
    }
  } finally {
    await session.release();
  }
  return {
    labels: samples.map(({ label }) => label),
    cuts: features,
    embeddings: features.at(-1)?.features ?? zeros(samples.length, 0),
    norms,
  };
}

/** Norms between the image and the last cut; those of the old classifier are not measured. */
function reachable(pretrained: Pretrained, cuts: readonly Cut[]): BatchNormLayer[] {
  const { graph } = pretrained.model;
  const last = cuts.at(-1)?.value;
  const end = graph.nodes.findIndex((node) => node.outputs.includes(last ?? ""));
  return batchNormLayers({ ...graph, nodes: graph.nodes.slice(0, end + 1) });
}

/** Channels of a pooled cut: the last dimension of vectors and tokens, the second of maps. */
function width(cut: Cut): number {
  return (cut.dims.length <= 3 ? cut.dims.at(-1) : cut.dims[1]) ?? 0;
}

function batchSize({ model, input }: Pretrained): number {
  const fixed = model.graph.inputs.find(({ name }) => name === input)?.shape?.[0];
  return typeof fixed === "number" && fixed > 0 ? fixed : inferenceBatchSize;
}

/** A network of fixed batch size gets its last batch filled up with zeros. */
function padded(pixels: Float32Array, count: number, batch: number): Float32Array {
  if (count === batch) return pixels;
  const full = new Float32Array((pixels.length / count) * batch);
  full.set(pixels);
  return full;
}

function rowsOf(tensor: Tensor | undefined, count: number, batch: number): Float32Array {
  if (tensor?.type !== "float32") {
    throw new ThawError({
      code: "measure/not-float",
      what: `The network's features are ${tensor?.type ?? "missing"}, not float32`,
      next: "Export the network in float32.",
    });
  }
  const rows = tensor.data.subarray(0, (tensor.data.length / batch) * count);
  if (!rows.every(Number.isFinite)) {
    throw new ThawError({
      code: "measure/not-finite",
      what: "The network's activations are not finite numbers on these pictures",
      next: "Check that the preprocessing fits this network.",
    });
  }
  return rows;
}
