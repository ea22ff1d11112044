import type { Shapes } from "../models/flops.ts";
import { poolFeatures } from "../models/pool-features.ts";
import type { Cut } from "../models/pretrained.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Model, ValueInfo } from "../onnx/graph.ts";
import { subgraph } from "../onnx/subgraph.ts";
import { namesInUse } from "../onnx/values.ts";
import type { BatchNormLayer } from "./batchnorm-drift.ts";

/** A network that puts out what is measured, pooled inside so that nothing large leaves it. */
export interface MeasuringGraph {
  readonly model: Model;
  /** Output `[N, width]` of every cut, in the order given; the last one as a classifier sees it. */
  readonly cuts: readonly string[];
  /** Outputs `[N, C]` of every norm: mean and mean square of its input over the picture's area. */
  readonly norms: readonly { readonly mean: string; readonly meanSquare: string }[];
}

/**
 * Cuts a network off behind the last cut and appends the pooling of every cut and norm input.
 * Feature maps `[N, C, ...]` are averaged over their area, tokens `[N, T, D]` over the tokens, but
 * the last cut is pooled as a head pools it.
 * Norms behind the last cut belong to the old classifier and are left out.
 * @param shapes dimensions of every value for a batch of one
 */
export function measuringGraph(
  model: Model,
  shapes: Shapes,
  cuts: readonly Cut[],
  norms: readonly BatchNormLayer[],
): MeasuringGraph {
  const build = new GraphBuilder(namesInUse(model.graph));
  const average = (value: string, axes: readonly number[]): string => {
    if (axes.length === 0) return build.add("Identity", [value]);
    // ONNX Runtime pools in the blocked layout its convolutions leave behind; it would undo that
    // layout for every ReduceMean.
    if (axes.length === 2) return build.add("Flatten", [build.add("GlobalAveragePool", [value])]);
    return build.add("ReduceMean", [value, build.ints(axes)], { keepdims: 0 });
  };
  const cutOutputs = cuts.map(({ value, dims }, at) =>
    at === cuts.length - 1
      ? poolFeatures(build, value, dims).value
      : average(value, pooledAxes(dims)),
  );
  const normOutputs = norms.map(({ input }) => {
    const axes = areaAxes(shapes.get(input)?.length ?? 4);
    return {
      mean: average(input, axes),
      meanSquare: average(build.add("Mul", [input, input]), axes),
    };
  });
  const outputs = [
    ...cutOutputs,
    ...normOutputs.flatMap(({ mean, meanSquare }) => [mean, meanSquare]),
  ];
  const declared = outputs.map(
    (name): ValueInfo => ({ name, type: "float32", shape: ["batch", null] }),
  );
  const extended: Model = {
    ...model,
    graph: {
      ...model.graph,
      nodes: [...model.graph.nodes, ...build.nodes],
      outputs: declared,
      initializers: new Map([...model.graph.initializers, ...build.initializers]),
    },
  };
  return { model: subgraph(extended, { outputs }), cuts: cutOutputs, norms: normOutputs };
}

function pooledAxes(dims: readonly number[]): number[] {
  return dims.length === 3 ? [1] : areaAxes(dims.length);
}

function areaAxes(rank: number): number[] {
  return Array.from({ length: Math.max(0, rank - 2) }, (_, i) => i + 2);
}
