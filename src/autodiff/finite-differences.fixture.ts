import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { type AttributeInput, attribute, GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { type DataType, elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import type { Session } from "../runtime/session.ts";
import { differentiate } from "./reverse.ts";

/** One call of an operator to check; float32 inputs are differentiated, others never. */
export interface OperatorCall {
  readonly op: string;
  /** Null is an omitted optional input. */
  readonly inputs: readonly (Tensor | null)[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  /** Number of outputs, 1 when absent. */
  readonly outputs?: number;
  /** Indices of outputs without a gradient (indices, masks). */
  readonly silent?: readonly number[];
  /** Indices of float inputs that get no gradient (ratios, ranges, scales). */
  readonly fixed?: readonly number[];
  /** Indices of inputs the rule must see as constants: shapes, axes, pads. Default: non-floats. */
  readonly constants?: readonly number[];
  /** Distance of the differences; keep it below the distance to the nearest kink. */
  readonly step?: number;
  /** Largest error relative to the largest gradient of the tensor (at least 1). */
  readonly tolerance?: number;
  /** Writes the node's forward computation where ONNX Runtime has no operator for it. */
  readonly write?: (
    build: GraphBuilder,
    node: Node,
    dims: (value: string) => readonly number[],
  ) => void;
  /** Seeds the random linear functional of the outputs. */
  readonly seed?: number;
}

/** Seeded numbers uniform between `low` and `high`. */
export function randomNumbers(seed: number): (low: number, high: number) => number {
  const generator = xoroshiro128plus(seed);
  return (low, high) => low + (high - low) * uniformFloat64(generator);
}

/** A float32 tensor of seeded numbers uniform between `low` and `high`. */
export function randomTensor(
  dims: readonly number[],
  seed: number,
  low = -1,
  high = 1,
): Tensor<"float32"> {
  const next = randomNumbers(seed);
  return float32(
    Float32Array.from({ length: elementCount(dims) }, () => next(low, high)),
    dims,
  );
}

/** A float32 tensor of distinct numbers at least `gap` apart and from zero, in seeded order. */
export function distinctTensor(
  dims: readonly number[],
  seed: number,
  gap = 0.1,
): Tensor<"float32"> {
  const next = randomNumbers(seed);
  const count = elementCount(dims);
  const values = Float32Array.from(
    { length: count },
    (_, index) => (index - Math.floor(count / 2) + 0.5) * gap,
  );
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(next(0, index + 1));
    const swapped = values[index] ?? 0;
    values[index] = values[other] ?? 0;
    values[other] = swapped;
  }
  return float32(values, dims);
}

/**
 * Checks the reverse-mode gradient of a random linear functional of the operator's outputs
 * against central differences of fourth order, element by element; in float64 where ONNX Runtime
 * runs the operator in float64.
 */
export async function expectGradients(call: OperatorCall): Promise<void> {
  const names = call.inputs.map((input, index) => (input === null ? "" : `input${index}`));
  const outputs = Array.from({ length: call.outputs ?? 1 }, (_, index) => `output${index}`);
  const loud = outputs.filter((_, index) => !call.silent?.includes(index));
  const node: Node = {
    name: "checked",
    op: call.op,
    domain: "",
    inputs: names,
    outputs,
    attributes: Object.fromEntries(
      Object.entries(call.attributes ?? {}).map(([key, value]) => [key, attribute(value)]),
    ),
  };
  const given = new Map<string, Tensor>();
  const constants = new Map<string, Tensor>();
  const sources = new Set<string>();
  for (const [index, tensor] of call.inputs.entries()) {
    const name = names[index] ?? "";
    if (tensor === null) continue;
    const constant = call.constants?.includes(index) ?? tensor.type !== "float32";
    (constant ? constants : given).set(name, tensor);
    if (!constant && tensor.type === "float32" && !call.fixed?.includes(index)) sources.add(name);
  }

  const checked: Checked = { node, given, constants, write: call.write };
  const single = await openForward(checked);
  const values = await single.run(feeds(given));
  const functional = new Map(
    loud.map((name, index) => [
      name,
      randomTensor(values[name]?.dims ?? [], (call.seed ?? 1) * 31 + index),
    ]),
  );
  const analytic = await analyticGradients(checked, sources, values, functional);

  const double = call.silent === undefined ? await openDouble(checked) : undefined;
  const session = double ?? single;
  const step = call.step ?? (double === undefined ? 0.05 : 1e-3);
  const tolerance = call.tolerance ?? (double === undefined ? 3e-3 : 1e-4);
  const base = new Map(
    [...given].map(([name, tensor]) => [name, double === undefined ? tensor : toDouble(tensor)]),
  );
  for (const source of sources) {
    const numeric = await differences(session, base, source, functional, step);
    const found = analytic.get(source);
    const scale = Math.max(1, ...[...numeric.values()].map(Math.abs));
    for (const [index, value] of numeric) {
      const error = Math.abs((found?.[index] ?? Number.NaN) - value) / scale;
      if (!(error <= tolerance)) {
        expect.fail(
          `${call.op}: gradient of ${source}[${index}] is ${found?.[index]}, differences say ${value}`,
        );
      }
    }
  }
  await single.release();
  await double?.release();
}

interface Checked {
  readonly node: Node;
  readonly given: ReadonlyMap<string, Tensor>;
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly write: OperatorCall["write"];
}

function writeForward({ node, given, constants, write }: Checked): GraphBuilder {
  const build = new GraphBuilder([...given.keys(), ...constants.keys(), ...node.outputs]);
  for (const [name, tensor] of constants) build.initializers.set(name, tensor);
  if (write === undefined) build.copy(node);
  else write(build, node, (name) => given.get(name)?.dims ?? constants.get(name)?.dims ?? []);
  return build;
}

async function analyticGradients(
  checked: Checked,
  sources: ReadonlySet<string>,
  values: Readonly<Record<string, Tensor>>,
  functional: ReadonlyMap<string, Tensor>,
): Promise<Map<string, readonly number[]>> {
  const { node, given, constants } = checked;
  const build = writeForward(checked);
  const seeds = new Map(
    [...functional].map(([output, tensor]) => [output, build.constant(tensor, "seed")]),
  );
  const gradients = differentiate(
    {
      nodes: [node],
      dims: (name) =>
        values[name]?.dims ??
        given.get(name)?.dims ??
        constants.get(name)?.dims ??
        expect.fail(`${node.op} asked for the dimensions of ${name}`),
      constant: (name) => constants.get(name),
    },
    build,
    sources,
    seeds,
  );
  // A rule may hand the seed itself on; a graph output must be written by a node of its own.
  const outputs = new Map(
    [...gradients].flatMap(([value, gradient]) =>
      sources.has(value) ? [[value, build.add("Identity", [gradient])]] : [],
    ),
  );
  const graph = build.build(
    "gradients",
    [...given].map(([name, { type, dims }]) => ({ name, type, shape: dims })),
    [...outputs.values()].map((name) => floats(name, null)),
  );
  const session = await onnxRuntime.open(writeModel(modelOf(graph)), { threads: 1 });
  const results = await session.run(feeds(given));
  await session.release();
  return new Map(
    [...sources].map((source) => {
      const tensor = results[outputs.get(source) ?? ""];
      expect(tensor, `${node.op} gives no gradient for ${source}`).toBeDefined();
      expect(tensor?.dims, `dimensions of the gradient of ${source}`).toEqual(
        given.get(source)?.dims,
      );
      return [source, Array.from(tensor?.data ?? [], Number)];
    }),
  );
}

async function openForward(
  checked: Checked,
  outputTypes: readonly ("float32" | "float64")[] = [],
): Promise<Session> {
  const { node, given } = checked;
  const graph = writeForward(checked).build(
    "forward",
    [...given].map(([name, { type, dims }]) => ({ name, type, shape: dims })),
    node.outputs.map((name, index) => ({
      name,
      type: outputTypes[index] ?? outputType(node, index),
      shape: null,
    })),
  );
  return onnxRuntime.open(writeModel(modelOf(graph)), { threads: 1, optimization: "none" });
}

function outputType(node: Node, index: number): DataType {
  if (node.op === "MaxPool" && index === 1) return "int64";
  if (node.op === "Dropout" && index === 1) return "bool";
  return "float32";
}

async function openDouble(checked: Checked): Promise<Session | undefined> {
  const { node, given, constants } = checked;
  if (node.op === "Cast") return undefined;
  const widen = (tensors: ReadonlyMap<string, Tensor>) =>
    new Map([...tensors].map(([name, tensor]) => [name, toDouble(tensor)]));
  try {
    const types = node.outputs.map(() => "float64" as const);
    return await openForward(
      { ...checked, given: widen(given), constants: widen(constants) },
      types,
    );
  } catch {
    return undefined;
  }
}

/** dL/d(source) with L the functional, by the five-point rule (error of fourth order). */
async function differences(
  session: Session,
  base: ReadonlyMap<string, Tensor>,
  source: string,
  functional: ReadonlyMap<string, Tensor>,
  step: number,
): Promise<Map<number, number>> {
  const tensor = base.get(source);
  if (tensor === undefined) return new Map();
  const at = async (index: number, shift: number): Promise<number> => {
    const moved = Float64Array.from(tensor.data, Number);
    moved[index] = (moved[index] ?? 0) + shift;
    const shifted: Tensor =
      tensor.type === "float64"
        ? { type: "float64", dims: tensor.dims, data: moved }
        : float32(Float32Array.from(moved), tensor.dims);
    const results = await session.run({ ...feeds(base), [source]: shifted });
    let total = 0;
    for (const [output, weights] of functional) {
      const data = results[output]?.data ?? [];
      for (let i = 0; i < data.length; i++) total += Number(data[i]) * Number(weights.data[i]);
    }
    return total;
  };
  const result = new Map<number, number>();
  for (const index of someIndices(tensor.data.length)) {
    const near = (await at(index, step)) - (await at(index, -step));
    const far = (await at(index, 2 * step)) - (await at(index, -2 * step));
    result.set(index, (8 * near - far) / (12 * step));
  }
  return result;
}

/** All indices of a small tensor, an even spread of a large one's. */
function someIndices(length: number): number[] {
  const most = 100;
  const stride = Math.max(1, length / most);
  return Array.from({ length: Math.min(length, most) }, (_, index) => Math.floor(index * stride));
}

function toDouble(tensor: Tensor): Tensor {
  return tensor.type === "float32"
    ? { type: "float64", dims: tensor.dims, data: Float64Array.from(tensor.data) }
    : tensor;
}

function feeds(tensors: ReadonlyMap<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(tensors);
}
