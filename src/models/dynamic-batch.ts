import { GraphBuilder } from "../onnx/build.ts";
import type { Model, Node } from "../onnx/graph.ts";
import { int64 } from "../onnx/tensor.ts";
import { namesInUse } from "../onnx/values.ts";
import { imageInput, withInputSize } from "./image-input.ts";

/** True where the network is declared for one batch size only. */
export function hasFixedBatch(model: Model): boolean {
  return typeof imageInput(model).shape[0] === "number";
}

/**
 * Lets a network exported for a batch of one take any batch: its input is declared so, and the
 * places where exporters write the batch down are rewritten. Those are the target shapes of
 * Reshape, whose first entry becomes "whatever is left", and stored tokens that are
 * concatenated to each picture's, which are repeated. The network's constants must have been
 * folded. Whether the result is right shows when it runs: compare a batch of two
 * with two batches of one.
 */
export function withDynamicBatch(model: Model): Model {
  const declared = withInputSize(model);
  const { graph } = declared;
  const input = imageInput(model).name;
  const build = new GraphBuilder(namesInUse(graph));
  const dependent = new Set([input]);
  let batchSize: string | undefined;
  const repeated = (value: string, rank: number) => {
    batchSize ??= build.add("Shape", [input], { start: 0, end: 1 });
    const ones = build.ints(Array(rank - 1).fill(1));
    return build.add("Expand", [value, build.add("Concat", [batchSize, ones], { axis: 0 })]);
  };
  const rewrite = (node: Node): Node => {
    const target = graph.initializers.get(node.inputs[1] ?? "");
    if (node.op === "Reshape" && target?.type === "int64") {
      const shape = [...target.data].map(Number);
      return { ...node, inputs: [node.inputs[0] ?? "", build.constant(int64(anyFirst(shape)))] };
    }
    if (node.op === "Concat") {
      const inputs = node.inputs.map((name) => {
        const tensor = graph.initializers.get(name);
        const isToken =
          tensor?.type === "float32" && tensor.dims[0] === 1 && tensor.dims.length >= 3;
        return isToken ? repeated(name, tensor.dims.length) : name;
      });
      return { ...node, inputs };
    }
    return node;
  };

  for (const node of graph.nodes) {
    const onPath = node.inputs.some((name) => dependent.has(name));
    if (onPath) for (const output of node.outputs) if (output !== "") dependent.add(output);
    build.copy(onPath ? rewrite(node) : node);
  }
  return {
    ...declared,
    graph: {
      ...graph,
      nodes: build.nodes,
      initializers: new Map([...graph.initializers, ...build.initializers]),
    },
  };
}

/** The batch is the outermost part of the first entry in every layout exporters write. */
function anyFirst(shape: readonly number[]): number[] {
  const [first = 0, ...rest] = shape;
  if (!rest.includes(-1)) return [-1, ...rest];
  // 0 copies the dimension that goes in.
  return first === 1 ? [0, ...rest] : [first, ...rest];
}
