import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { writeModel } from "../onnx/write.ts";
import { randomTensor } from "./finite-differences.fixture.ts";
import { writeAgain } from "./recall.ts";
import { differentiate } from "./reverse.ts";

const dims = [2, 3, 5];

/** x times a matrix, normalized, times a matrix, through Gelu, turned, times a matrix. */
function network() {
  const build = new GraphBuilder(["x"]);
  const weight = (name: string, dims: readonly number[]) => {
    build.reserve(name);
    build.initializers.set(name, randomTensor(dims, name.charCodeAt(0)));
    return name;
  };
  const first = build.add("MatMul", ["x", weight("a", [5, 5])]);
  const [norm = ""] = build.addMany(
    "LayerNormalization",
    [first, weight("scale", [5]), weight("bias", [5])],
    3,
  );
  const second = build.add("MatMul", [norm, weight("b", [5, 5])]);
  const gelu = build.add("Gelu", [second]);
  const turned = build.add("Transpose", [gelu], { perm: [0, 2, 1] });
  const y = build.add("MatMul", [turned, weight("c", [3, 4])]);
  return { build, norm, gelu, turned, y };
}

describe("a value written again", () => {
  test("is the value", async () => {
    const { build, norm, gelu, turned } = network();
    const again = new Map<string, string>();
    for (const node of [...build.nodes]) {
      const [value = ""] = node.outputs;
      const name = writeAgain(build, node, (input) => again.get(input) ?? input);
      if (name !== undefined) again.set(value, name);
    }
    expect([...again.keys()]).toEqual([norm, gelu, turned]);
    const outputs = [...again].flat().map((name) => floats(name, null));
    const model = modelOf(build.build("recalled", [floats("x", dims)], outputs));
    const session = await onnxRuntime.open(writeModel(model), { optimization: "none" });
    const results = await session.run({ x: randomTensor(dims, 1) });
    await session.release();
    for (const [value, name] of again) {
      const found = Array.from(results[name]?.data ?? [], Number);
      expect(found).toHaveLength(30);
      found.forEach((number, at) => {
        expect(number).toBeCloseTo(Number(results[value]?.data[at]), 5);
      });
    }
  });

  test("of approximate Gelu is none", () => {
    const build = new GraphBuilder(["x"]);
    build.add("Gelu", ["x"], { approximate: "tanh" });
    const [node = expect.fail()] = build.nodes;
    expect(writeAgain(build, node, (input) => input)).toBeUndefined();
  });
});

describe("the backward pass", () => {
  const backward = (sources: readonly string[]) => {
    const { build, y, ...values } = network();
    const nodes = [...build.nodes];
    const shapes = new Map([...build.initializers].map(([name, tensor]) => [name, tensor.dims]));
    shapes.set(values.turned, [2, 5, 3]).set(y, [2, 5, 4]);
    differentiate(
      { nodes, dims: (value) => shapes.get(value) ?? dims, constant: () => undefined },
      build,
      new Set(sources),
      new Map([[y, "dy"]]),
    );
    const read = new Set(build.nodes.slice(nodes.length).flatMap(({ inputs }) => inputs));
    return Object.entries(values).flatMap(([name, value]) => (read.has(value) ? [name] : []));
  };

  test("keeps neither normalized values nor Gelu's where their inputs are kept", () => {
    expect(backward(["a", "scale", "bias", "b", "c"])).toEqual([]);
  });

  test("keeps the value itself where nothing behind it is trained", () => {
    expect(backward(["c"])).toEqual(["turned"]);
    expect(backward(["b", "c"])).toEqual(["norm"]);
  });
});
