import type { GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";

/** What a rule knows while it writes the backward nodes of one forward node. */
export interface RuleContext {
  readonly node: Node;
  /** The backward nodes go in here; they may read any value of the forward graph. */
  readonly build: GraphBuilder;
  /** Gradient of each output of the node; undefined where none arrives. */
  readonly gradients: readonly (string | undefined)[];
  /** Dimensions of a forward value at the training batch size. */
  dims(value: string): readonly number[];
  /** The tensor behind a forward value that does not change, if it is one. */
  constant(value: string): Tensor | undefined;
}

/**
 * The backward rule of one operator: one thunk an input, which writes the nodes for that input's
 * gradient and returns its name. Thunks of frozen inputs are never called, so nothing is built
 * for them. Undefined marks an input no gradient flows to (a shape, an index).
 */
export type Rule = (context: RuleContext) => readonly ((() => string) | undefined)[];

/** The rule of operators no gradient flows through: shapes, indices, comparisons, constants. */
export const passive: Rule = () => [];
