import type { GraphBuilder } from "../onnx/build.ts";
import { ranked } from "./ranked.ts";

/** The norm of all gradients taken as one vector; a scalar. */
export function writeGradientNorm(build: GraphBuilder, gradients: readonly string[]): string {
  const squares = gradients.map((gradient) =>
    build.add("ReduceSumSquare", [gradient], { keepdims: 0 }),
  );
  return build.add("Sqrt", [build.add("Sum", squares)]);
}

/**
 * Writes a value that waits for the norm, and with it for everything the gradients are computed
 * from: what depends on it may take the place of a parameter or a running statistic.
 */
export function afterGradients(build: GraphBuilder, norm: string): (value: string) => string {
  const BOOL = 9;
  const known = build.add("Cast", [norm], { to: BOOL });
  return (value) => build.add("Where", [known, value, value]);
}

/** Scales all gradients by min(1, limit / (norm + 1e-6)), as PyTorch's `clip_grad_norm_`. */
export function clip(
  build: GraphBuilder,
  limit: number | undefined,
  norm: string,
  gradients: ReadonlyMap<string, string>,
  rankOf: (parameter: string) => number,
): ReadonlyMap<string, string> {
  if (limit === undefined) return gradients;
  const ratio = build.add("Div", [
    build.scalar(limit),
    build.add("Add", [norm, build.scalar(1e-6)]),
  ]);
  const scale = ranked(build, build.add("Min", [ratio, build.scalar(1)]));
  return new Map(
    [...gradients].map(([name, gradient]) => [
      name,
      build.add("Mul", [gradient, scale(rankOf(name))]),
    ]),
  );
}
