import { expect } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { GraphBuilder } from "../../onnx/build.ts";
import { floats, modelOf } from "../../onnx/models.fixture.ts";
import type { Tensor } from "../../onnx/tensor.ts";
import { writeModel } from "../../onnx/write.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { differentiate } from "../reverse.ts";

/** Writes a small network of the named inputs and returns the name of its only output. */
export type Composite = (build: GraphBuilder, inputs: readonly string[]) => string;

export interface Evaluated {
  readonly output: readonly number[];
  /** Of sum(weights * output), one an input. */
  readonly gradients: readonly (readonly number[])[];
}

/** Runs a composite of float32 inputs forward and backward; `weights` default to ones. */
export async function evaluate(
  write: Composite,
  inputs: readonly Tensor<"float32">[],
  weights?: (dims: readonly number[]) => Tensor<"float32">,
): Promise<Evaluated> {
  const given = Object.fromEntries(inputs.map((tensor, index) => [`input${index}`, tensor]));
  const build = new GraphBuilder(Object.keys(given));
  const output = write(build, Object.keys(given));
  const nodes = build.nodes.slice();
  const values = await run(
    build,
    given,
    nodes.flatMap((node) => node.outputs),
  );
  const dims = (name: string) =>
    (values[name] ?? given[name] ?? build.initializers.get(name))?.dims ??
    expect.fail(`${name} has no dimensions`);

  const seed = weights ?? ((shape) => ones(shape));
  const found = differentiate(
    { nodes, dims, constant: (name) => build.initializers.get(name) },
    build,
    new Set(Object.keys(given)),
    new Map([[output, build.constant(seed(dims(output)), "seed")]]),
  );
  const names = Object.keys(given).map((input) =>
    build.add("Identity", [found.get(input) ?? expect.fail(`no gradient for ${input}`)]),
  );
  const results = await run(build, given, [output, ...names]);
  return {
    output: numbers(results[output]),
    gradients: names.map((name, index) => {
      expect(results[name]?.dims).toEqual(inputs[index]?.dims);
      return numbers(results[name]);
    }),
  };
}

/** Checks a composite's gradients along one random direction an input against differences. */
export async function expectCompositeGradients(
  write: Composite,
  inputs: readonly Tensor<"float32">[],
  seed: number,
  { step = 0.02, tolerance = 3e-3 } = {},
): Promise<void> {
  const weights = (dims: readonly number[]) => randomTensor(dims, seed);
  const { gradients } = await evaluate(write, inputs, weights);
  const build = new GraphBuilder(inputs.map((_, index) => `input${index}`));
  const output = write(
    build,
    inputs.map((_, index) => `input${index}`),
  );
  const model = modelOf(
    build.build(
      "forward",
      inputs.map((tensor, index) => floats(`input${index}`, tensor.dims)),
      [floats(output, null)],
    ),
  );
  const session = await onnxRuntime.open(writeModel(model), { threads: 1 });
  const at = async (input: number, direction: readonly number[], shift: number) => {
    const feeds = Object.fromEntries(
      inputs.map((tensor, index) => [
        `input${index}`,
        index === input
          ? {
              ...tensor,
              data: tensor.data.map((value, each) => value + shift * (direction[each] ?? 0)),
            }
          : tensor,
      ]),
    );
    const result = (await session.run(feeds))[output];
    return dot(numbers(result), numbers(weights(result?.dims ?? [])));
  };
  for (const [input, tensor] of inputs.entries()) {
    for (const each of [1, 2, 3]) {
      const direction = numbers(randomTensor(tensor.dims, seed * 7 + each));
      const near = (await at(input, direction, step)) - (await at(input, direction, -step));
      const far = (await at(input, direction, 2 * step)) - (await at(input, direction, -2 * step));
      const numeric = (8 * near - far) / (12 * step);
      const analytic = dot(gradients[input] ?? [], direction);
      const error = Math.abs(analytic - numeric) / Math.max(1, Math.abs(numeric));
      expect(error, `input ${input}: ${analytic}, differences say ${numeric}`).toBeLessThan(
        tolerance,
      );
    }
  }
  await session.release();
}

async function run(
  build: GraphBuilder,
  given: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
): Promise<Record<string, Tensor>> {
  const graph = build.build(
    "composite",
    Object.entries(given).map(([name, { type, dims }]) => ({ name, type, shape: dims })),
    outputs.map((name) => floats(name, null)),
  );
  const session = await onnxRuntime.open(writeModel(modelOf(graph)), { threads: 1 });
  const results = await session.run(given);
  await session.release();
  return results;
}

function ones(dims: readonly number[]): Tensor<"float32"> {
  const tensor = randomTensor(dims, 1);
  return { ...tensor, data: tensor.data.fill(1) };
}

function numbers(tensor: Tensor | undefined): number[] {
  return Array.from(tensor?.data ?? [], Number);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
