import { float, int } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { elementCount } from "../../onnx/tensor.ts";
import { batchStatisticsGradients } from "../batch-statistics.ts";
import { sumOver, sumTo } from "../broadcast.ts";
import { standardised } from "../recall.ts";
import type { Rule, RuleContext } from "../rule.ts";
import { positive, reshape } from "./axes.ts";

/** With stored statistics a scale and a shift a channel; in training mode see batch-statistics. */
export const BatchNormalization: Rule = (context) => {
  const { node, build, gradients, dims } = context;
  if (int(node, "training_mode", 0) === 1) return batchStatisticsGradients(context);
  const [x = "", scale = "", , mean = "", variance = ""] = node.inputs;
  const dy = gradients[0] ?? "";
  const shape = dims(x);
  const perChannel = (value: string) => reshape(build, value, channelDims(shape));
  const inverse = () => {
    const epsilon = build.scalar(float(node, "epsilon", 1e-5));
    const deviation = build.add("Sqrt", [build.add("Add", [variance, epsilon])]);
    return build.add("Reciprocal", [deviation]);
  };
  return [
    () => build.add("Mul", [dy, perChannel(build.add("Mul", [scale, inverse()]))]),
    () => {
      const centred = build.add("Sub", [x, perChannel(mean)]);
      const summed = sumOver(build, build.add("Mul", [dy, centred]), others(shape), false);
      return build.add("Mul", [summed, inverse()]);
    },
    () => sumOver(build, dy, others(shape), false),
  ];
};

/** Needs the node's optional outputs Mean and InvStdDev. */
export const LayerNormalization: Rule = ({ node, build, gradients, dims }) => {
  const [x = "", scale = "", bias = ""] = node.inputs;
  const [, mean = "", inverse = ""] = node.outputs;
  const dy = gradients[0] ?? "";
  const shape = dims(x);
  const first = positive(int(node, "axis", -1), shape.length);
  const axes = shape.map((_, axis) => axis).slice(first);
  const normalized = once(() => standardised(build, x, mean, inverse));
  return [
    () => normalizedGradient(build, build.add("Mul", [dy, scale]), normalized(), inverse, axes),
    () => sumTo(build, build.add("Mul", [dy, normalized()]), shape, dims(scale)),
    () => sumTo(build, dy, shape, dims(bias)),
  ];
};

/** A group normalization with one group a channel. */
export const InstanceNormalization: Rule = (context) => {
  const channels = context.dims(context.node.inputs[0] ?? "")[1] ?? 1;
  return groupGradients(context, channels);
};

export const GroupNormalization: Rule = (context) =>
  groupGradients(context, int(context.node, "num_groups", 1));

function groupGradients({ node, build, gradients, dims }: RuleContext, groups: number) {
  const [x = "", scale = ""] = node.inputs;
  const dy = gradients[0] ?? "";
  const shape = dims(x);
  const batch = shape[0] ?? 1;
  const grouped = [batch, groups, elementCount(shape) / (batch * groups)];
  const statistics = once(() => {
    const flat = reshape(build, x, grouped);
    const centred = build.add("Sub", [flat, meanOver(build, flat, [2])]);
    const variance = meanOver(build, build.add("Mul", [centred, centred]), [2]);
    const epsilon = build.scalar(float(node, "epsilon", 1e-5));
    const deviation = build.add("Sqrt", [build.add("Add", [variance, epsilon])]);
    const inverse = build.add("Reciprocal", [deviation]);
    return { inverse, normalized: build.add("Mul", [centred, inverse]) };
  });
  return [
    () => {
      const { inverse, normalized } = statistics();
      const scaled = build.add("Mul", [dy, reshape(build, scale, channelDims(shape))]);
      const flat = reshape(build, scaled, grouped);
      return reshape(build, normalizedGradient(build, flat, normalized, inverse, [2]), shape);
    },
    () => {
      const normalized = reshape(build, statistics().normalized, shape);
      return sumOver(build, build.add("Mul", [dy, normalized]), others(shape), false);
    },
    () => sumOver(build, dy, others(shape), false),
  ];
}

/**
 * The gradient through (x - mean) / deviation, both taken over `axes`:
 * inverse * (dy - mean(dy) - normalized * mean(dy * normalized)).
 */
function normalizedGradient(
  build: GraphBuilder,
  dy: string,
  normalized: string,
  inverse: string,
  axes: readonly number[],
): string {
  const shift = meanOver(build, dy, axes);
  const slope = meanOver(build, build.add("Mul", [dy, normalized]), axes);
  const drift = build.add("Add", [build.add("Mul", [normalized, slope]), shift]);
  return build.add("Mul", [build.add("Sub", [dy, drift]), inverse]);
}

function meanOver(build: GraphBuilder, value: string, axes: readonly number[]): string {
  return build.add("ReduceMean", [value, build.ints(axes)], { keepdims: 1 });
}

function channelDims(shape: readonly number[]): number[] {
  return shape.slice(1).map((dim, axis) => (axis === 0 ? dim : 1));
}

function others(shape: readonly number[]): number[] {
  return shape.map((_, axis) => axis).filter((axis) => axis !== 1);
}

/** Nodes that two thunks share are written by whichever is called first. */
function once<T>(write: () => T): () => T {
  let written: { readonly value: T } | undefined;
  return () => {
    written ??= { value: write() };
    return written.value;
  };
}
