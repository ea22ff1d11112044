import { blockLayout } from "../src/autodiff/blocked/block-layout.ts";
import { moveBlocks } from "../src/autodiff/blocked/move-blocks.ts";
import { shift } from "../src/autodiff/blocked/shift.ts";
import { NCHWC, Values } from "../src/autodiff/blocked/values.ts";
import { differentiate } from "../src/autodiff/reverse.ts";
import { onnxRuntime } from "../src/node/onnxruntime.ts";
import { GraphBuilder } from "../src/onnx/build.ts";
import type { Graph, Model } from "../src/onnx/graph.ts";
import { prune } from "../src/onnx/prune.ts";
import { elementCount, float32 } from "../src/onnx/tensor.ts";
import { namesInUse } from "../src/onnx/values.ts";
import { writeModel } from "../src/onnx/write.ts";
import { blockSize } from "../src/runtime/block-size.ts";

const BATCH = 32;
const THREADS = 2;
type Dims = readonly number[];

const found = await blockSize(onnxRuntime);
if (found === undefined) throw new Error("this machine's ONNX Runtime has no blocked layout");
const block = found;

/** Wall milliseconds, the best of five runs. */
async function time(label: string, model: Model): Promise<void> {
  const session = await onnxRuntime.open(writeModel(model), {
    threads: THREADS,
    optimization: "extended",
  });
  const feeds = Object.fromEntries(
    model.graph.inputs.map(({ name, shape }) => {
      const dims = shape?.map(Number) ?? [];
      return [name, float32(new Float32Array(elementCount(dims)).fill(0.5), dims)];
    }),
  );
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 6; run++) {
    const before = performance.now();
    await session.run(feeds);
    if (run > 0) best = Math.min(best, performance.now() - before);
  }
  await session.release();
  console.log(`${label.padEnd(64)} ${best.toFixed(2)} ms`);
}

const info = (name: string, shape: Dims) => ({ name, type: "float32", shape }) as const;

function modelOf(graph: Graph): Model {
  const opsets = new Map([
    ["", 21],
    [NCHWC.domain, 1],
  ]);
  return { graph, opsets, irVersion: 10, producer: "thaw", metadata: new Map() };
}

/** The graph with one element of its only output as output, so that no large one is copied out. */
function oneElement(graph: Graph): Graph {
  const build = new GraphBuilder(namesInUse(graph));
  for (const [name, tensor] of graph.initializers) build.initializers.set(name, tensor);
  for (const node of graph.nodes) build.copy(node);
  const flat = build.add("Reshape", [graph.outputs[0]?.name ?? "", build.ints([-1])]);
  const first = build.add("Slice", [flat, build.ints([0]), build.ints([1])]);
  return build.build(graph.name, graph.inputs, [info(first, [1])]);
}

interface Layer {
  readonly x: Dims;
  readonly w: Dims;
  readonly y: Dims;
  readonly stride: number;
}

/** A layer's forward pass or one of its gradients, as training graphs have it in both layouts. */
function passes({ x, w, y, stride }: Layer, wanted: "y" | "x" | "w") {
  const build = new GraphBuilder(["x", "w", "y", "dy"]);
  const pad = ((w[2] ?? 1) - 1) / 2;
  const layer = {
    kernel_shape: w.slice(2),
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
    group: w[1] === 1 ? (w[0] ?? 1) : 1,
  };
  build.add("Conv", ["x", "w"], layer, { output: "y" });
  const dims = new Map(Object.entries({ x, w, y }));
  const gradients = differentiate(
    { nodes: [...build.nodes], dims: (value) => dims.get(value) ?? [], constant: () => undefined },
    build,
    new Set([wanted]),
    new Map([["y", "dy"]]),
  );
  const result = wanted === "y" ? "y" : (gradients.get(wanted) ?? "");
  const inputs = [info("x", x), info("w", w), info("dy", y)];
  const graph = build.build("layer", inputs, [info(result, dims.get(wanted) ?? [])]);
  const blocked = blockLayout(modelOf(graph), block, gradients).graph;
  return {
    plain: modelOf(oneElement(prune(graph))),
    blocked: modelOf(oneElement(prune(betweenLayers(blocked)))),
  };
}

/** As between other layers: maps come in blocked, and what is read at the end may stay so. */
function betweenLayers(graph: Graph): Graph {
  const handed = new Map(
    graph.nodes.flatMap(({ op, inputs: [from = ""], outputs: [to = ""] }) =>
      op === "ReorderInput" && (from === "x" || from === "dy") ? [[to, from]] : [],
    ),
  );
  const [output] = graph.outputs;
  const last = graph.nodes.find(({ outputs }) => outputs[0] === output?.name);
  const left = last?.op === "ReorderOutput" && output?.shape?.[0] === BATCH ? last : undefined;
  return {
    ...graph,
    nodes: graph.nodes
      .filter((node) => node !== left && !handed.has(node.outputs[0] ?? ""))
      .map((node) => ({ ...node, inputs: node.inputs.map((name) => handed.get(name) ?? name) })),
    outputs: graph.outputs.map((value) => ({ ...value, name: left?.inputs[0] ?? value.name })),
  };
}

async function timeLayer(name: string, layer: Layer): Promise<void> {
  for (const [pass, wanted] of [
    ["forward", "y"],
    ["dX", "x"],
    ["dW", "w"],
  ] as const) {
    const { plain, blocked } = passes(layer, wanted);
    await time(`${name}: ${pass}, plain`, plain);
    await time(`${name}: ${pass}, blocked`, blocked);
  }
}

async function timePiece(
  label: string,
  inputs: Readonly<Record<string, Dims>>,
  write: (build: GraphBuilder) => string,
): Promise<void> {
  const build = new GraphBuilder(Object.keys(inputs));
  const output = write(build);
  const graph = build.build(
    "piece",
    Object.entries(inputs).map(([name, dims]) => info(name, dims)),
    [info(output, [])],
  );
  await time(label, modelOf(oneElement(graph)));
}

const valuesOf = (build: GraphBuilder) => new Values(build, block, new Map(), () => undefined);

for (const [channels, size, stride] of [
  [32, 112, 1],
  [96, 112, 2],
  [144, 56, 1],
  [576, 14, 1],
] as const) {
  const after = size / stride;
  await timeLayer(`depthwise 3x3, ${channels} channels at ${size}, stride ${stride}`, {
    x: [BATCH, channels, size, size],
    w: [channels, 1, 3, 3],
    y: [BATCH, channels, after, after],
    stride,
  });
}

for (const [channels, size] of [
  [64, 56],
  [128, 28],
  [256, 14],
  [512, 7],
] as const) {
  const maps = [BATCH, channels, size, size];
  await timeLayer(`dense 3x3, ${channels} channels at ${size}`, {
    ...{ x: maps, w: [channels, channels, 3, 3], y: maps },
    stride: 1,
  });
}

const [channels, size] = [512, 7];
const maps = [BATCH, channels, size, size];
const name = `${channels} channels at ${size}`;
await timePiece(`${name} shifted by one: Pad and Slice`, { x: maps }, (build) => {
  const apart = build.add("Reshape", [
    "x",
    build.ints([BATCH, channels / block, size, size, block]),
  ]);
  const wide = build.add("Pad", [apart, build.ints([0, 0, 0, 0, 0, 0, 0, 1, 1, 0])]);
  const [starts, ends, axes] = [
    [1, 1],
    [size + 1, size + 1],
    [2, 3],
  ].map((numbers) => build.ints(numbers));
  return build.add("Slice", [wide, starts ?? "", ends ?? "", axes ?? ""]);
});
await timePiece(`${name} shifted by one: depthwise convolution`, { x: maps }, (build) =>
  shift(valuesOf(build), "x", maps, { starts: [1, 1], strides: [1, 1], size: [size, size] }),
);
const pieces = [9, channels / block, channels];
await timePiece("blocks of 512 x 512 x 3 x 3: Transpose", { x: [...pieces, block] }, (build) =>
  build.add("Transpose", ["x"], { perm: [2, 1, 0, 3] }),
);
await timePiece("blocks of 512 x 512 x 3 x 3: Gather", { x: [...pieces, block] }, (build) =>
  moveBlocks(valuesOf(build), "x", pieces, [2, 1, 0]),
);

const wide = [BATCH, 64, 56, 56];
const rows = BATCH * 64;
await timePiece("sums of products of 64 x 56 x 56: Mul and ReduceSum", { x: wide }, (build) =>
  build.add("ReduceSum", [build.add("Mul", ["x", "x"]), build.ints([2, 3])]),
);
await timePiece("sums of products of 64 x 56 x 56: a convolution", { x: wide }, (build) =>
  build.add(
    "Conv",
    [
      build.add("Reshape", ["x", build.ints([1, rows, 56, 56])]),
      build.add("Reshape", ["x", build.ints([rows, 1, 56, 56])]),
    ],
    { group: rows, kernel_shape: [56, 56] },
    NCHWC,
  ),
);
