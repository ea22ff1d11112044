import type { GraphBuilder } from "../onnx/build.ts";
import { scalar } from "../onnx/tensor.ts";
import { ranked, rankedNumber } from "./ranked.ts";
import type { Optimizer, ParameterGroup, StateTensor } from "./training-graph.ts";

type Sgd = Extract<Optimizer, { kind: "sgd" }>;
type AdamW = Extract<Optimizer, { kind: "adamw" }>;

const FLOAT = 1;
const DOUBLE = 11;

/** Adds a state tensor beside a parameter and returns the names of what comes in and goes out. */
export type DeclareState = (
  role: StateTensor["role"],
  initial: StateTensor["initial"] | "zeros",
) => { readonly input: string; readonly output: string };

/** What an update is written from. */
export interface Update {
  readonly parameter: string;
  /** Number of the parameter's dimensions. */
  readonly rank: number;
  readonly gradient: string;
  /** Name that the updated parameter gets. */
  readonly output: string;
  readonly declare: DeclareState;
}

/** Writes the update of one parameter. */
export type UpdateWriter = (update: Update) => void;

/**
 * Writes what the parameters share and returns the writer of a group's updates.
 * @param learningRate name of a scalar; each update of a parameter is scaled by it
 * @param declareShared declares state that belongs to no parameter
 */
export function writeOptimizer(
  build: GraphBuilder,
  optimizer: Optimizer,
  learningRate: string,
  declareShared: DeclareState,
): (group: ParameterGroup) => UpdateWriter {
  return optimizer.kind === "sgd"
    ? (group) => sgd(build, optimizer, learningRate, group)
    : adamW(build, optimizer, learningRate, declareShared);
}

/**
 * SGD with momentum and Nesterov's, as PyTorch's `SGD` without dampening: g += decay * p,
 * b = momentum * b + g, p -= rate * (nesterov ? g + momentum * b : b).
 */
function sgd(
  build: GraphBuilder,
  { momentum, nesterov, weightDecay }: Sgd,
  learningRate: string,
  group: ParameterGroup,
): UpdateWriter {
  const rate = ranked(
    build,
    build.add("Mul", [learningRate, build.scalar(group.learningRateScale)]),
  );
  const decay = weightDecay * group.weightDecayScale;
  return ({ parameter, rank, gradient, output, declare }) => {
    const number = (value: number) => rankedNumber(build, value, rank);
    const decayed =
      decay === 0
        ? gradient
        : build.add("Add", [gradient, build.add("Mul", [parameter, number(decay)])]);
    let direction = decayed;
    if (momentum !== 0) {
      const buffer = declare("first-moment", "zeros");
      const kept = build.add("Mul", [buffer.input, number(momentum)]);
      build.add("Add", [kept, decayed], {}, { output: buffer.output });
      direction = nesterov
        ? build.add("Add", [decayed, build.add("Mul", [buffer.output, number(momentum)])])
        : buffer.output;
    }
    build.add("Sub", [parameter, build.add("Mul", [direction, rate(rank)])], {}, { output });
  };
}

/**
 * AdamW as PyTorch's: decoupled decay, then the bias-corrected step. To pass over the parameters
 * fewer times the moments are kept as plain sums, M = beta1 * M + g and V = beta2 * V + g^2, which
 * are PyTorch's moments divided by 1 - beta; the step is then scale * M / (sqrt(V) + epsilon')
 * with epsilon' = epsilon * sqrt(c2 / (1 - beta2)),
 * scale = rate * (1 - beta1) / c1 * sqrt(c2 / (1 - beta2)) and c = 1 - beta^step.
 * The scalars are float64, as they are in PyTorch.
 */
function adamW(
  build: GraphBuilder,
  { beta1, beta2, epsilon, weightDecay }: AdamW,
  learningRate: string,
  declareShared: DeclareState,
): (group: ParameterGroup) => UpdateWriter {
  const step = declareShared("step", scalar(0));
  build.add("Add", [step.input, build.scalar(1)], {}, { output: step.output });
  const count = build.add("Cast", [step.output], { to: DOUBLE });
  const correction = (beta: number) =>
    build.add("Sub", [double(build, 1), build.add("Pow", [double(build, beta), count])]);
  const spread = build.add("Sqrt", [
    build.add("Div", [correction(beta2), double(build, 1 - beta2)]),
  ]);
  const floor = ranked(build, toFloat(build, build.add("Mul", [spread, double(build, epsilon)])));
  const unscaled = build.add("Mul", [
    build.add("Div", [double(build, 1 - beta1), correction(beta1)]),
    spread,
  ]);
  const rate = build.add("Cast", [learningRate], { to: DOUBLE });

  return (group) => {
    const groupRate = build.add("Mul", [rate, double(build, group.learningRateScale)]);
    const scale = ranked(build, toFloat(build, build.add("Mul", [groupRate, unscaled])));
    const decay = weightDecay * group.weightDecayScale;
    const kept =
      decay === 0
        ? undefined
        : ranked(
            build,
            toFloat(
              build,
              build.add("Sub", [
                double(build, 1),
                build.add("Mul", [groupRate, double(build, decay)]),
              ]),
            ),
          );
    return ({ parameter, rank, gradient, output, declare }) => {
      const first = declare("first-moment", "zeros");
      const second = declare("second-moment", "zeros");
      const fading = (moment: string, beta: number, gain: string, output: string) =>
        build.add(
          "Add",
          [build.add("Mul", [moment, rankedNumber(build, beta, rank)]), gain],
          {},
          { output },
        );
      fading(first.input, beta1, gradient, first.output);
      fading(second.input, beta2, build.add("Mul", [gradient, gradient]), second.output);
      const deviation = build.add("Add", [build.add("Sqrt", [second.output]), floor(rank)]);
      const change = build.add("Mul", [build.add("Div", [first.output, deviation]), scale(rank)]);
      const shrunk = kept === undefined ? parameter : build.add("Mul", [parameter, kept(rank)]);
      build.add("Sub", [shrunk, change], {}, { output });
    };
  };
}

function double(build: GraphBuilder, value: number): string {
  return build.constant({ type: "float64", dims: [], data: new Float64Array([value]) });
}

function toFloat(build: GraphBuilder, value: string): string {
  return build.add("Cast", [value], { to: FLOAT });
}
