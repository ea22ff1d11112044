import { float, int, real, string } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { sumTo } from "../broadcast.ts";
import { cumulativeNormal } from "../recall.ts";
import type { Rule } from "../rule.ts";
import { type Pointwise, scaled, single, step } from "./pointwise.ts";

// Kinks follow PyTorch: the derivative at the kink is that of the saturated side.

export const Relu = scaled(({ build, y }) => step(build, y));

export const LeakyRelu = scaled(({ build, node, x }) => {
  const slope = float(node, "alpha", 0.01);
  const rise = build.add("Mul", [step(build, x), build.scalar(1 - slope)]);
  return build.add("Add", [rise, build.scalar(slope)]);
});

export const PRelu: Rule = ({ node, build, gradients, dims }) => {
  const [x, slope] = node.inputs;
  const [dy] = gradients;
  if (x === undefined || slope === undefined || dy === undefined) return [];
  return [
    () => {
      const rise = build.add("Sub", [build.scalar(1), slope]);
      const factor = build.add("Add", [build.add("Mul", [step(build, x), rise]), slope]);
      return build.add("Mul", [dy, factor]);
    },
    () => {
      const below = build.add("Min", [x, build.scalar(0)]);
      return sumTo(build, build.add("Mul", [dy, below]), dims(x), dims(slope));
    },
  ];
};

/** The derivative of `x > 0 ? slope * x : a * exp(b * x) - shift`: the tail is affine in y. */
function exponentialUnit(
  { build, x }: Pointwise,
  slope: number,
  tail: (build: GraphBuilder) => string,
): string {
  const above = build.add("Greater", [x, build.scalar(0)]);
  return build.add("Where", [above, build.scalar(slope), tail(build)]);
}

export const Elu = scaled((names) => {
  const alpha = float(names.node, "alpha", 1);
  return exponentialUnit(names, 1, (build) => build.add("Add", [names.y, build.scalar(alpha)]));
});

export const Selu = scaled((names) => {
  const alpha = float(names.node, "alpha", 1.6732632423543772);
  const gamma = float(names.node, "gamma", 1.0507009873554805);
  return exponentialUnit(names, gamma, (build) =>
    build.add("Add", [names.y, build.scalar(alpha * gamma)]),
  );
});

export const Celu = scaled((names) => {
  const alpha = float(names.node, "alpha", 1);
  return exponentialUnit(names, 1, (build) =>
    build.add("Add", [build.add("Mul", [names.y, build.scalar(1 / alpha)]), build.scalar(1)]),
  );
});

/** Reads the mask off the output: clipped elements equal a bound exactly. */
export const Clip = scaled(({ build, node, y, context }) => {
  const [low, high] = [node.inputs[1] || undefined, node.inputs[2] || undefined];
  const bound = (name: string | undefined) =>
    name === undefined ? undefined : context.constant(name)?.data[0];
  const [lowest, highest] = [bound(low), bound(high)];
  if (high === undefined && lowest === 0) return step(build, y);
  const interval = symmetric(Number(lowest), Number(highest));
  if (interval !== undefined) return within(build, y, interval.centre, interval.radius);
  const masks = [
    ...(low === undefined ? [] : [step(build, build.add("Sub", [y, low]))]),
    ...(high === undefined ? [] : [step(build, build.add("Sub", [high, y]))]),
  ];
  return masks.length === 0
    ? build.scalar(1)
    : masks.reduce((both, mask) => build.add("Mul", [both, mask]));
});

/** Centre and radius of an interval whose ends lie exactly as far from the centre in float32. */
function symmetric(low: number, high: number) {
  const centre = Math.fround((low + high) / 2);
  const radius = Math.fround(high - centre);
  const exact = radius > 0 && radius < 2 ** 20 && Math.fround(centre - low) === radius;
  return exact ? { centre, radius } : undefined;
}

/** 1 where y lies inside the interval, 0 at its ends and outside. */
function within(build: GraphBuilder, y: string, centre: number, radius: number): string {
  const offset = centre === 0 ? y : build.add("Sub", [y, build.scalar(centre)]);
  return step(build, build.add("Abs", [offset]), { sign: -1, offset: radius });
}

export const HardSigmoid = scaled(({ build, node, y }) =>
  build.add("Mul", [within(build, y, 0.5, 0.5), build.scalar(float(node, "alpha", 0.2))]),
);

/** Of x * clip(x / 6 + 1/2, 0, 1): (2x + 3) / 6 between -3 and 3, and 0 or 1 outside. */
export const HardSwish = scaled(({ build, x }) => {
  const gate = build.add("HardSigmoid", [x], { alpha: real(1 / 6), beta: real(0.5) });
  const slope = build.add("Mul", [
    within(build, x, 0, 3),
    build.add("Sub", [gate, build.scalar(0.5)]),
  ]);
  return build.add("Add", [gate, slope]);
});

export const Sigmoid = scaled(({ build, y }) => build.add("Sub", [y, build.add("Mul", [y, y])]));

export const Tanh = scaled(({ build, y }) =>
  build.add("Sub", [build.scalar(1), build.add("Mul", [y, y])]),
);

export const Softplus = scaled(({ build, x }) => build.add("Sigmoid", [x]));

/** With y = x / (1 + |x|) the derivative 1 / (1 + |x|)² is (1 - |y|)². */
export const Softsign = scaled(({ build, y }) => {
  const rest = build.add("Sub", [build.scalar(1), build.add("Abs", [y])]);
  return build.add("Mul", [rest, rest]);
});

/** Of x t with t = tanh(softplus(x)): t + x (1 - t²) sigmoid(x) = t + (x - t y) sigmoid(x). */
export const Mish = scaled(({ build, x, y }) => {
  const t = build.add("Tanh", [build.add("Softplus", [x])]);
  const rest = build.add("Sub", [x, build.add("Mul", [t, y])]);
  return build.add("Add", [t, build.add("Mul", [rest, build.add("Sigmoid", [x])])]);
});

/** Of x sigmoid(alpha x): s + alpha y (1 - s). */
export const Swish = scaled(({ build, node, x, y }) => {
  const alpha = float(node, "alpha", 1);
  const scaledBy = (value: string) =>
    alpha === 1 ? value : build.add("Mul", [value, build.scalar(alpha)]);
  const gate = build.add("Sigmoid", [scaledBy(x)]);
  const rest = build.add("Sub", [build.scalar(1), gate]);
  return build.add("Add", [gate, build.add("Mul", [scaledBy(y), rest])]);
});

/**
 * Gaussian error linear unit (Hendrycks and Gimpel 2016). Exact: Φ(x) + x φ(x), with u = x / √2
 * so that one product serves the error function and the density.
 */
export const Gelu = scaled(({ build, node, x }) => {
  if (string(node, "approximate", "none") === "tanh") return tanhGelu(build, x);
  const { u, cumulative } = cumulativeNormal(build, x);
  const logScale = build.scalar(-0.5 * Math.log(Math.PI));
  const scaledDensity = build.add("Exp", [build.add("Sub", [logScale, build.add("Mul", [u, u])])]);
  return build.add("Add", [cumulative, build.add("Mul", [u, scaledDensity])]);
});

/** With t = tanh(k (x + c x³)): (1 + t) / 2 + x (1 - t²) k (1 + 3 c x²) / 2. */
function tanhGelu(build: GraphBuilder, x: string): string {
  const k = Math.sqrt(2 / Math.PI);
  const c = 0.044715;
  const affine = (value: string, scale: number, shift: number) =>
    build.add("Add", [build.add("Mul", [value, build.scalar(scale)]), build.scalar(shift)]);
  const square = build.add("Mul", [x, x]);
  const t = build.add("Tanh", [build.add("Mul", [x, affine(square, k * c, k)])]);
  const slope = build.add("Mul", [x, affine(square, 1.5 * k * c, 0.5 * k)]);
  const rest = build.add("Sub", [build.scalar(1), build.add("Mul", [t, t])]);
  return build.add("Add", [affine(t, 0.5, 0.5), build.add("Mul", [rest, slope])]);
}

export const Erf = scaled(({ build, x }) =>
  build.add("Exp", [
    build.add("Sub", [build.scalar(Math.log(2 / Math.sqrt(Math.PI))), build.add("Mul", [x, x])]),
  ]),
);

export const Softmax = single(({ build, node, y, dy }) => {
  const weighted = build.add("Mul", [dy, y]);
  const total = sumAlong(build, weighted, int(node, "axis", -1));
  return build.add("Sub", [weighted, build.add("Mul", [y, total])]);
});

export const LogSoftmax = single(({ build, node, y, dy }) => {
  const total = sumAlong(build, dy, int(node, "axis", -1));
  return build.add("Sub", [dy, build.add("Mul", [build.add("Exp", [y]), total])]);
});

function sumAlong(build: GraphBuilder, value: string, axis: number): string {
  return build.add("ReduceSum", [value, build.ints([axis])], { keepdims: 1 });
}
