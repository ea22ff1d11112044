import { constantTensor } from "../onnx/constant.ts";
import { elementTypes } from "../onnx/element-types.ts";
import type { Model } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";
import { elementCount, float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import type { Runtime } from "./session.ts";

const SMALL_BATCH = 2;

/**
 * Dimensions of every value of a network for an input of the given dimensions, found by running
 * it. The cost does not depend on the batch where that is not fixed.
 *
 * @param input dimensions of the network's only input, the batch first
 * @throws ThawError `runtime/load-failed`, `runtime/run-failed` when the network does not take
 * such an input
 */
export async function discoverShapes(
  runtime: Runtime,
  model: Model,
  input: readonly number[],
): Promise<Map<string, readonly number[]>> {
  const [batch = 1, ...row] = input;
  const fixed = typeof model.graph.inputs[0]?.shape?.[0] === "number";
  if (fixed || batch <= SMALL_BATCH) return runForShapes(runtime, model, input);
  return (await discoverShapesByBatch(runtime, model, row))(batch);
}

/**
 * Dimensions of every value of a network at any batch. The network, whose batch must not be fixed,
 * runs at batches of one and two; a dimension that grows with them is extended to the batch asked
 * for.
 *
 * @param row dimensions of the network's only input, without the batch
 * @throws ThawError as `discoverShapes`
 */
export async function discoverShapesByBatch(
  runtime: Runtime,
  model: Model,
  row: readonly number[],
): Promise<(batch: number) => Map<string, readonly number[]>> {
  const one = await runForShapes(runtime, model, [1, ...row]);
  const two = await runForShapes(runtime, model, [SMALL_BATCH, ...row]);
  return (batch) =>
    new Map(
      [...one].map(([name, dims]) => {
        const doubled = two.get(name) ?? dims;
        return [name, dims.map((dim, axis) => dim + (batch - 1) * ((doubled[axis] ?? dim) - dim))];
      }),
    );
}

async function runForShapes(
  runtime: Runtime,
  model: Model,
  input: readonly number[],
): Promise<Map<string, readonly number[]>> {
  const { graph } = model;
  const shapes = new Map<string, readonly number[]>();
  for (const [name, tensor] of graph.initializers) shapes.set(name, tensor.dims);
  for (const { name } of graph.inputs) shapes.set(name, input);
  const types = elementTypes(graph);
  const values = graph.nodes
    .filter((node) => constantTensor(node) === undefined)
    .flatMap((node) => node.outputs.filter((output) => output !== ""));
  for (const node of graph.nodes) {
    const tensor = constantTensor(node);
    if (tensor !== undefined) shapes.set(node.outputs[0] ?? "", tensor.dims);
  }
  const watched: Model = {
    ...model,
    graph: prune({
      ...graph,
      outputs: values.map((name) => ({ name, type: types.get(name) ?? "float32", shape: null })),
    }),
  };
  const session = await runtime.open(writeModel(watched), { optimization: "none" });
  try {
    const feed = float32(new Float32Array(elementCount(input)), input);
    const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, feed]));
    const results = await session.run(feeds);
    for (const [name, tensor] of Object.entries(results)) shapes.set(name, tensor.dims);
  } finally {
    await session.release();
  }
  return shapes;
}
