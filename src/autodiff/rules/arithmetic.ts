import { int } from "../../onnx/attributes.ts";
import type { GraphBuilder } from "../../onnx/build.ts";
import { sumTo } from "../broadcast.ts";
import type { Rule, RuleContext } from "../rule.ts";
import { scaled, single, step } from "./pointwise.ts";

/** float32, the type every gradient has, as ONNX numbers it. */
const FLOAT = 1;
const FLOATING: ReadonlySet<number> = new Set([FLOAT, 10, 11, 16]);

/** The rule of an operator of two tensors that broadcast against each other. */
function binary(toFirst: (names: Binary) => string, toSecond: (names: Binary) => string): Rule {
  return ({ node, build, gradients, dims }) => {
    const [[a, b], [y], [dy]] = [node.inputs, node.outputs, gradients];
    if (a === undefined || b === undefined || y === undefined || dy === undefined) return [];
    const names = { build, a, b, y, dy };
    return [
      () => sumTo(build, toFirst(names), dims(y), dims(a)),
      () => sumTo(build, toSecond(names), dims(y), dims(b)),
    ];
  };
}

interface Binary {
  readonly build: GraphBuilder;
  readonly a: string;
  readonly b: string;
  readonly y: string;
  readonly dy: string;
}

/** The rule of an operator of any number of tensors; `backward` writes the unreduced gradient. */
function variadic(backward: (dy: string, index: number, context: RuleContext) => string): Rule {
  return (context) => {
    const { node, build, gradients, dims } = context;
    const [[y], [dy]] = [node.outputs, gradients];
    if (y === undefined || dy === undefined) return [];
    return node.inputs.map(
      (input, index) => () => sumTo(build, backward(dy, index, context), dims(y), dims(input)),
    );
  };
}

export const Add = binary(
  ({ dy }) => dy,
  ({ dy }) => dy,
);

export const Sub: Rule = ({ node, build, gradients, dims }) => {
  const [[a, b], [y], [dy]] = [node.inputs, node.outputs, gradients];
  if (a === undefined || b === undefined || y === undefined || dy === undefined) return [];
  return [
    () => sumTo(build, dy, dims(y), dims(a)),
    () => build.add("Neg", [sumTo(build, dy, dims(y), dims(b))]),
  ];
};

export const Mul = binary(
  ({ build, b, dy }) => build.add("Mul", [dy, b]),
  ({ build, a, dy }) => build.add("Mul", [dy, a]),
);

export const Div = binary(
  ({ build, b, dy }) => build.add("Div", [dy, b]),
  ({ build, b, y, dy }) => build.add("Mul", [dy, build.add("Div", [y, build.add("Neg", [b])])]),
);

/** Of a - b trunc(a / b), with fmod = 1; the integer form carries no gradient to begin with. */
export const Mod = binary(
  ({ dy }) => dy,
  ({ build, a, b, y, dy }) =>
    build.add("Mul", [dy, build.add("Div", [build.add("Sub", [y, a]), b])]),
);

/** A scalar exponent known beforehand takes the cheap forms; PyTorch's conventions at base 0. */
export const Pow: Rule = (context) => {
  const { node, build, gradients, dims } = context;
  const [[base, exponent], [y], [dy]] = [node.inputs, node.outputs, gradients];
  if (base === undefined || exponent === undefined || y === undefined || dy === undefined) {
    return [];
  }
  const known = context.constant(exponent);
  // The exponent may be an integer tensor, whose type does not mix with the gradient's.
  const power = () => build.add("Cast", [exponent], { to: FLOAT });
  return [
    () => {
      const factor =
        known?.data.length === 1
          ? scalarPower(build, base, y, Number(known.data[0]))
          : tensorPower(build, base, power());
      return sumTo(build, build.add("Mul", [dy, factor]), dims(y), dims(base));
    },
    () => {
      const zero = build.scalar(0);
      const logarithm = build.add("Mul", [y, build.add("Log", [base])]);
      const positive = build.add("Greater", [base, zero]);
      const factor = build.add("Where", [positive, logarithm, zero]);
      return sumTo(build, build.add("Mul", [dy, factor]), dims(y), dims(exponent));
    },
  ];
};

function scalarPower(build: GraphBuilder, base: string, y: string, exponent: number): string {
  const times = (value: string) =>
    exponent === 1 ? value : build.add("Mul", [value, build.scalar(exponent)]);
  if (exponent === 0) return build.scalar(0);
  if (exponent === 1) return build.scalar(1);
  if (exponent === 2) return times(base);
  if (exponent === 0.5) return build.add("Div", [build.scalar(0.5), y]);
  return times(build.add("Pow", [base, build.scalar(exponent - 1)]));
}

function tensorPower(build: GraphBuilder, base: string, exponent: string): string {
  const lower = build.add("Pow", [base, build.add("Sub", [exponent, build.scalar(1)])]);
  const flat = build.add("Equal", [exponent, build.scalar(0)]);
  return build.add("Where", [flat, build.scalar(0), build.add("Mul", [exponent, lower])]);
}

export const Neg = single(({ build, dy }) => build.add("Neg", [dy]));

export const Abs = scaled(({ build, x }) => build.add("Sign", [x]));

export const Reciprocal = scaled(({ build, y }) => build.add("Neg", [build.add("Mul", [y, y])]));

export const Exp = scaled(({ y }) => y);

export const Log = single(({ build, x, dy }) => build.add("Div", [dy, x]));

export const Sqrt = single(({ build, y, dy }) => build.add("Div", [dy, build.add("Add", [y, y])]));

export const Sin = scaled(({ build, x }) => build.add("Cos", [x]));

export const Cos = scaled(({ build, x }) => build.add("Neg", [build.add("Sin", [x])]));

export const Max = variadic((dy, index, context) => extremum(dy, index, context, 1));

export const Min = variadic((dy, index, context) => extremum(dy, index, context, -1));

/**
 * The gradient goes to the chosen input and is shared evenly among ties. Of two inputs a step of
 * their difference decides, worth 1/2 at a tie.
 */
function extremum(dy: string, index: number, { node, build }: RuleContext, sign: 1 | -1): string {
  const own = node.inputs[index] ?? "";
  const others = node.inputs.filter((_, other) => other !== index);
  const [other] = others;
  if (other === undefined) return dy;
  if (others.length === 1) {
    const lead = build.add("Sub", [own, other]);
    return build.add("Mul", [dy, step(build, lead, { sign, tie: 0.5 })]);
  }
  const y = node.outputs[0] ?? "";
  const chosen = node.inputs.map((input) =>
    build.add("Cast", [build.add("Equal", [input, y])], { to: FLOAT }),
  );
  const share = build.add("Div", [chosen[index] ?? "", build.add("Sum", chosen)]);
  return build.add("Mul", [dy, share]);
}

export const Sum = variadic((dy) => dy);

export const Mean = variadic((dy, _, { node, build }) =>
  node.inputs.length === 1 ? dy : build.add("Mul", [dy, build.scalar(1 / node.inputs.length)]),
);

/** The condition as a float factor: half the time of a Where over the gradient. */
export const Where: Rule = ({ node, build, gradients, dims }) => {
  const [[condition, a, b], [y], [dy]] = [node.inputs, node.outputs, gradients];
  if (condition === undefined || a === undefined || b === undefined) return [];
  if (y === undefined || dy === undefined) return [];
  const masked = (mask: string) => build.add("Mul", [dy, build.add("Cast", [mask], { to: FLOAT })]);
  return [
    undefined,
    () => sumTo(build, masked(condition), dims(y), dims(a)),
    () => sumTo(build, masked(build.add("Not", [condition])), dims(y), dims(b)),
  ];
};

export const Identity = single(({ dy }) => dy);

/** Gradients are float32 throughout; a cast to integers or booleans lets none through. */
export const Cast: Rule = ({ node, gradients: [dy] }) => {
  const to = int(node, "to", FLOAT);
  if (dy === undefined || !FLOATING.has(to)) return [];
  return [() => dy];
};

/** Inference form, the identity; a training mask is an explicit Mul by the time rules run. */
export const Dropout = single(({ dy }) => dy);
