import { describe, expect, it } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { Dimension, Model } from "../onnx/graph.ts";
import { float32, int64, type Tensor } from "../onnx/tensor.ts";
import { hasFixedBatch, withDynamicBatch } from "./dynamic-batch.ts";
import { foldConstants } from "./fold-constants.ts";
import { channelsFirst, imageInput, withInputSize } from "./image-input.ts";
import { difference, pictures, run } from "./network.fixture.ts";
import { widenHalf } from "./widen-half.ts";

function network(
  shape: readonly Dimension[],
  write: (build: GraphBuilder) => string,
  weights: Readonly<Record<string, Tensor>> = {},
  type: "float32" | "float16" | "uint8" = "float32",
): Model {
  const build = new GraphBuilder(["x", ...Object.keys(weights)]);
  for (const [name, tensor] of Object.entries(weights)) build.initializers.set(name, tensor);
  const output = write(build);
  const outputType = type === "uint8" ? "float32" : type;
  const graph = build.build(
    "network",
    [{ name: "x", type, shape }],
    [{ name: output, type: outputType, shape: null }],
  );
  return { graph, opsets: new Map([["", 21]]), irVersion: 10, producer: "", metadata: new Map() };
}

const relu = (build: GraphBuilder) => build.add("Relu", ["x"]);

describe("imageInput", () => {
  it.each<[string, Model]>([
    ["grey pictures", network(["n", 1, 8, 8], relu)],
    ["sequences", network(["n", 128], relu)],
    ["bytes", network(["n", 3, 8, 8], (b) => b.add("Cast", ["x"], { to: 1 }), {}, "uint8")],
    [
      "two inputs",
      {
        ...network(["n", 3, 8, 8], relu),
        graph: {
          ...network(["n", 3, 8, 8], relu).graph,
          inputs: ["a", "b"].map((name) => ({ name, type: "float32", shape: [1, 3, 8, 8] })),
        },
      },
    ],
  ])("refuses a network of %s", (_, model) => {
    expect(() => imageInput(model)).toThrow(/does not take one batch of colour pictures/);
  });

  it("tolerates symbolic and unknown dimensions", () => {
    expect(imageInput(network(["n", null, "h", "w"], relu)).name).toBe("x");
  });
});

describe("withInputSize", () => {
  it("lets a network run at another size than it was declared for", async () => {
    const model = network([1, 3, 8, 8], (b) => b.add("GlobalAveragePool", ["x"]));
    const larger = withInputSize(model, { height: 12, width: 10 });
    const [output] = Object.values(await run(larger, pictures(larger, 2)));
    expect(output?.dims).toEqual([2, 3, 1, 1]);
  });
});

describe("channelsFirst", () => {
  it("puts a Transpose before a network that wants channels last", async () => {
    const model = network(["n", 2, 4, 3], relu);
    const turned = channelsFirst(model);
    expect(imageInput(turned).shape).toEqual(["n", 3, 2, 4]);
    const [output] = Object.values(await run(turned, pictures(turned, 1)));
    expect(output?.dims).toEqual([1, 2, 4, 3]);
    const already = network(["n", 3, 4, 3], relu);
    expect(channelsFirst(already)).toBe(already);
  });
});

describe("withDynamicBatch", () => {
  it("frees batches written into Reshape and repeats stored tokens", async () => {
    const model = network(
      [1, 3, 2, 2],
      (b) => {
        const tokens = b.add("Reshape", ["x", b.constant(int64([1, 3, 4]))]);
        const all = b.add("Concat", ["token", tokens], { axis: 1 });
        return b.add("Reshape", [all, b.constant(int64([1, -1]))]);
      },
      { token: float32([9, 8, 7, 6], [1, 1, 4]) },
    );
    expect(hasFixedBatch(model)).toBe(true);
    const freed = withDynamicBatch(model);
    expect(hasFixedBatch(freed)).toBe(false);
    const input = pictures(model, 2);
    const [both] = Object.values(await run(freed, input));
    expect(both?.dims).toEqual([2, 16]);
    const second = float32(input.data.slice(12), [1, 3, 2, 2]);
    const [alone] = Object.values(await run(model, second));
    expect([...(both?.data ?? [])].slice(16)).toEqual([...(alone?.data ?? [])]);
  });
});

describe("foldConstants", () => {
  it("computes what does not depend on the picture, once", async () => {
    const model = network(
      ["n", 3, 2, 2],
      (b) => b.add("MatMul", ["x", b.add("Transpose", [b.add("Mul", ["w", "w"])])]),
      { w: float32([1, 2, 3, 4], [2, 2]) },
    );
    const folded = await foldConstants(onnxRuntime, model);
    expect(folded.graph.nodes.map(({ op }) => op)).toEqual(["MatMul"]);
    expect([...folded.graph.initializers.values()]).toEqual([float32([1, 9, 4, 16], [2, 2])]);
    const input = pictures(model, 1);
    const [before] = Object.values(await run(model, input));
    const [after] = Object.values(await run(folded, input));
    expect(difference(before, after)).toBe(0);
  });

  it("returns a network without constants as it is", async () => {
    const model = network(["n", 3, 2, 2], relu);
    expect(await foldConstants(onnxRuntime, model)).toBe(model);
  });
});

describe("widenHalf", () => {
  it("turns a half-precision network into a float32 one", async () => {
    const one: Tensor = { type: "float16", dims: [1], data: Uint16Array.of(0x3c00) };
    const model = network(
      ["n", 3, 2, 2],
      (b) => b.add("Cast", [b.add("Add", ["x", "one"])], { to: 10 }),
      { one },
      "float16",
    );
    const wide = widenHalf(model);
    const [output] = Object.values(await run(wide, float32(new Float32Array(12), [1, 3, 2, 2])));
    expect(output).toEqual(float32(new Float32Array(12).fill(1), [1, 3, 2, 2]));
  });
});
