import type { GraphBuilder } from "../onnx/build.ts";
import { int64 } from "../onnx/tensor.ts";
import { refuse } from "./refuse.ts";

/**
 * Brings features to [N, D], what a classifier sees: feature maps [N, C, H, W] are averaged; of
 * tokens [N, T, D] the class token is taken, or the mean where there is none.
 * @param dims dimensions of the features for a batch of one
 * @param output name of the result where a node is added
 * @throws ThawError `models/no-features` for any other shape
 */
export function poolFeatures(
  build: GraphBuilder,
  features: string,
  dims: readonly number[],
  output?: string,
): { value: string; width: number } {
  const named = output === undefined ? {} : { output };
  const [, first = 0, last = 0] = dims;
  switch (dims.length) {
    case 2:
      return { value: features, width: first };
    case 3: {
      const value = hasClassToken(first)
        ? build.add("Gather", [features, build.constant(scalarIndex)], { axis: 1 }, named)
        : build.add("ReduceMean", [features, build.ints([1])], { keepdims: 0 }, named);
      return { value, width: last };
    }
    case 4: {
      const mean = build.add("GlobalAveragePool", [features]);
      return { value: build.add("Flatten", [mean], { axis: 1 }, named), width: first };
    }
    default:
      return refuse(
        "no-features",
        `The network's output has shape [${dims.join(", ")}], which is neither features nor classes`,
        {
          where: features,
          next: "Use a network whose output is [N, D], [N, C, H, W] or [N, T, D].",
        },
      );
  }
}

const scalarIndex = { ...int64([0]), dims: [] };

/**
 * Patches of a square picture form a square number of tokens; transformers with a class token
 * (and perhaps more, such as registers) put it first. Exact for square inputs.
 */
function hasClassToken(tokens: number): boolean {
  return !Number.isInteger(Math.sqrt(tokens));
}
