import { real } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import type { Node } from "../../onnx/graph.ts";
import type { Rule, RuleContext } from "../rule.ts";

/** Names a pointwise operator's gradient is written from; all have the same dimensions. */
export interface Pointwise {
  readonly build: GraphBuilder;
  readonly node: Node;
  readonly x: string;
  readonly y: string;
  readonly dy: string;
  readonly context: RuleContext;
}

/**
 * The rule of an operator whose gradient flows to its first input only.
 * `backward` writes that gradient.
 */
export function single(backward: (names: Pointwise) => string): Rule {
  return (context) => {
    const { build, node } = context;
    const [x, y, dy] = [node.inputs[0], node.outputs[0], context.gradients[0]];
    if (x === undefined || y === undefined || dy === undefined) return [];
    return [() => backward({ build, node, x, y, dy, context })];
  };
}

/**
 * The rule of an operator of one tensor whose gradient is `dy` times a factor of the same
 * dimensions. `derivative` writes the factor.
 */
export function scaled(derivative: (names: Pointwise) => string): Rule {
  return single((names) => names.build.add("Mul", [names.dy, derivative(names)]));
}

/** A power of two, so that scaling by it is exact. */
const STEEP = 2 ** 100;

/**
 * 1 where `sign * x + offset` is above 0, else 0, in a single pass. A HardSigmoid steep enough
 * to be a step takes a third of the time of Greater and Where. Exactly at 0 it gives `tie`.
 */
export function step(
  build: GraphBuilder,
  x: string,
  { sign = 1, offset = 0, tie = 0 }: { sign?: 1 | -1; offset?: number; tie?: number } = {},
): string {
  return build.add("HardSigmoid", [x], {
    alpha: real(sign * STEEP),
    beta: real(offset * STEEP + tie),
  });
}
