import { expect, test } from "vitest";
import { trainableNetwork } from "../autodiff/networks.fixture.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { discoverShapes } from "./shapes.ts";

test("every value has the dimensions it has at the batch asked for", async () => {
  const network = trainableNetwork();
  const shapes = await discoverShapes(onnxRuntime, network, [7, 3, 8, 8]);
  const [conv1] = network.graph.nodes;
  expect(shapes.get(conv1?.outputs[0] ?? "")).toEqual([7, 4, 8, 8]);
  expect(shapes.get("logits")).toEqual([7, 3]);
  expect(shapes.get("image")).toEqual([7, 3, 8, 8]);
  expect(shapes.get("fc.weight")).toEqual([3, 6]);
  for (const { inputs, outputs } of network.graph.nodes) {
    for (const value of [...inputs, ...outputs]) expect(shapes.has(value), value).toBe(true);
  }
});

test("dimensions that are no multiple of the batch are extended too", async () => {
  const build = new GraphBuilder(["x", "y"]);
  const twice = build.add("Concat", ["x", "x"], { axis: 0 });
  const row = build.add("Slice", [twice, build.ints([0]), build.ints([1]), build.ints([0])]);
  const joined = build.add("Concat", [row, twice], { axis: 0 });
  build.add("Shape", [joined], {}, { output: "y" });
  const model = modelOf(
    build.build("growing", [floats("x", ["n", 2])], [{ name: "y", type: "int64", shape: null }]),
  );
  const shapes = await discoverShapes(onnxRuntime, model, [5, 2]);
  expect(shapes.get(joined)).toEqual([11, 2]);
  expect(shapes.get(row)).toEqual([1, 2]);
  expect(shapes.get("y")).toEqual([2]);
});

test("an input that the network does not take is refused", async () => {
  await expect(discoverShapes(onnxRuntime, trainableNetwork(), [2, 5, 8, 8])).rejects.toMatchObject(
    {
      fault: { code: "runtime/run-failed" },
    },
  );
});
