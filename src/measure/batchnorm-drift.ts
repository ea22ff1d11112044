import type { Graph, Node } from "../onnx/graph.ts";
import { jackknife } from "./jackknife.ts";

/** What one BatchNormalization node remembers of the pretraining data, and where to compare. */
export interface BatchNormLayer {
  readonly node: string;
  /** The tensor it normalises: `[N, C, ...]`. */
  readonly input: string;
  /** Running mean and variance, one a channel. */
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly epsilon: number;
}

/** The inference-mode BatchNormalization nodes with stored statistics, in the network's order. */
export function batchNormLayers(graph: Graph): BatchNormLayer[] {
  return graph.nodes.flatMap((node) => {
    if (node.op !== "BatchNormalization" || node.domain !== "") return [];
    const [input, , , meanName, varianceName] = node.inputs;
    const mean = graph.initializers.get(meanName ?? "");
    const variance = graph.initializers.get(varianceName ?? "");
    if (input === undefined || mean?.type !== "float32" || variance?.type !== "float32") return [];
    if (mean.data.length !== variance.data.length) return [];
    return [
      { node: node.name, input, mean: mean.data, variance: variance.data, epsilon: epsilon(node) },
    ];
  });
}

function epsilon(node: Node): number {
  const attribute = node.attributes.epsilon;
  return attribute?.kind === "float" || attribute?.kind === "int" ? attribute.value : 1e-5;
}

/** Pictures are dealt into this many groups, so that leaving one out shows how firm a figure is. */
const groupCount = 8;

/** Streams per-picture channel means and mean squares into dataset statistics, constant memory. */
export class ChannelMoments {
  readonly channels: number;
  readonly #counts = new Float64Array(groupCount);
  readonly #sums: Float64Array[];
  readonly #squares: Float64Array[];
  #seen = 0;

  constructor(channels: number) {
    this.channels = channels;
    this.#sums = Array.from({ length: groupCount }, () => new Float64Array(channels));
    this.#squares = Array.from({ length: groupCount }, () => new Float64Array(channels));
  }

  /** @param means, meanSquares row-major `[pictures, channels]`: averages over the picture's area */
  add(means: Float32Array, meanSquares: Float32Array): void {
    for (let start = 0; start < means.length; start += this.channels) {
      const group = this.#seen++ % groupCount;
      this.#counts[group] = (this.#counts[group] ?? 0) + 1;
      accumulate(this.#sums[group], means, start);
      accumulate(this.#squares[group], meanSquares, start);
    }
  }

  /** Mean and variance of every channel, optionally without one group of pictures. */
  moments(without?: number): { mean: Float64Array; variance: Float64Array } {
    const mean = new Float64Array(this.channels);
    const variance = new Float64Array(this.channels);
    const groups = [...this.#counts.keys()].filter((group) => group !== without);
    const count = groups.reduce((total, group) => total + (this.#counts[group] ?? 0), 0);
    for (let c = 0; c < this.channels; c++) {
      let sum = 0;
      let square = 0;
      for (const group of groups) {
        sum += this.#sums[group]?.[c] ?? 0;
        square += this.#squares[group]?.[c] ?? 0;
      }
      const average = sum / count;
      mean[c] = average;
      variance[c] = Math.max(0, square / count - average * average);
    }
    return { mean, variance };
  }
}

function accumulate(target: Float64Array | undefined, source: Float32Array, start: number): void {
  if (target === undefined) return;
  for (let c = 0; c < target.length; c++) target[c] = (target[c] ?? 0) + (source[start + c] ?? 0);
}

/** How far the new data's activations have drifted from what the network's norms remember. */
export interface BatchNormDrift {
  /** Mean over the layers, 0 (same) to 1 (no overlap). */
  readonly value: number;
  readonly standardError: number;
  readonly layers: readonly { readonly node: string; readonly divergence: number }[];
}

/**
 * Per layer: the mean over channels of the squared Hellinger distance between the Gaussians with
 * the stored and with the observed moments. Unlike the symmetric Kullback-Leibler divergence it
 * is bounded, so channels that hardly vary cannot outweigh the rest.
 */
export function measureDrift(
  layers: readonly BatchNormLayer[],
  observed: readonly ChannelMoments[],
): BatchNormDrift {
  const divergences = (without?: number): number[] =>
    layers.map((layer, i) => {
      const moments = observed[i]?.moments(without);
      return moments === undefined ? 0 : divergence(layer, moments);
    });
  const all = divergences();
  return {
    value: average(all),
    standardError: jackknife(groupCount, (without) => average(divergences(without))),
    layers: layers.map((layer, i) => ({ node: layer.node, divergence: all[i] ?? 0 })),
  };
}

function divergence(
  layer: BatchNormLayer,
  observed: { readonly mean: Float64Array; readonly variance: Float64Array },
): number {
  let total = 0;
  for (let c = 0; c < layer.mean.length; c++) {
    const shift = (observed.mean[c] ?? 0) - (layer.mean[c] ?? 0);
    const before = (layer.variance[c] ?? 0) + layer.epsilon;
    const now = (observed.variance[c] ?? 0) + layer.epsilon;
    const overlap =
      Math.sqrt((2 * Math.sqrt(before * now)) / (before + now)) *
      Math.exp((-0.25 * shift * shift) / (before + now));
    total += 1 - overlap;
  }
  return total / layer.mean.length;
}

function average(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / Math.max(1, values.length);
}
