import { onnxRuntime } from "../src/node/onnxruntime.ts";
import { type AttributeInput, GraphBuilder } from "../src/onnx/build.ts";
import { elementCount, float32 } from "../src/onnx/tensor.ts";
import { writeModel } from "../src/onnx/write.ts";

const BATCH = 32;
const BLOCKED = { domain: "com.microsoft.nchwc" };
const CONTRIB = { domain: "com.microsoft" };
type Dims = readonly number[];

/** Processor milliseconds of a small graph on one thread, the best of five runs. */
async function time(
  label: string,
  inputs: Readonly<Record<string, Dims>>,
  write: (build: GraphBuilder) => string,
): Promise<void> {
  const build = new GraphBuilder(Object.keys(inputs));
  // Reduced to a number, so that no large output has to be copied out.
  const result = build.add("ReduceMax", [write(build)], { keepdims: 0 });
  const info = (name: string, shape: Dims) => ({ name, type: "float32", shape }) as const;
  const graph = build.build(
    "formula",
    Object.entries(inputs).map(([name, dims]) => info(name, dims)),
    [info(result, [])],
  );
  const opsets = new Map([
    ["", 21],
    [CONTRIB.domain, 1],
    [BLOCKED.domain, 1],
  ]);
  const model = { graph, opsets, irVersion: 10, producer: "thaw", metadata: new Map() };
  const session = await onnxRuntime.open(writeModel(model), { threads: 1, optimization: "basic" });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, dims]) => [
      name,
      float32(new Float32Array(elementCount(dims)).fill(0.5), dims),
    ]),
  );
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 6; run++) {
    const before = process.cpuUsage();
    await session.run(feeds);
    const { user, system } = process.cpuUsage(before);
    if (run > 0) best = Math.min(best, (user + system) / 1000);
  }
  await session.release();
  console.log(`${label.padEnd(64)} ${best.toFixed(2)} ms`);
}

const reshape = (build: GraphBuilder, value: string, dims: Dims) =>
  build.add("Reshape", [value, build.ints(dims)]);

for (const [channels, size] of [
  [32, 112],
  [144, 56],
  [576, 14],
] as const) {
  const name = `depthwise 3x3, ${channels} channels at ${size}`;
  const maps = [BATCH, channels, size, size];
  const pads = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const layer: Record<string, AttributeInput> = { ...pads, group: channels };
  await time(`${name}: forward, plain`, { x: maps, w: [channels, 1, 3, 3] }, (build) =>
    build.add("Conv", ["x", "w"], layer),
  );
  await time(`${name}: forward, blocked`, { x: maps, w: [channels, 1, 3, 3] }, (build) =>
    build.add("Conv", ["x", "w"], layer, BLOCKED),
  );
  for (const [label, domain] of [
    ["plain", {}],
    ["blocked", BLOCKED],
  ] as const) {
    await time(`${name}: dW as grouped convolution, ${label}`, { x: maps, dy: maps }, (build) =>
      build.add(
        "Conv",
        [
          reshape(build, "x", [1, BATCH * channels, size, size]),
          reshape(build, "dy", [BATCH * channels, 1, size, size]),
        ],
        { kernel_shape: [size, size], pads: [1, 1, 1, 1], group: BATCH * channels },
        domain,
      ),
    );
  }
  await time(`${name}: to blocked layout`, { x: maps }, (build) =>
    build.add("ReorderInput", ["x"], {}, BLOCKED),
  );
}

for (const [channels, size] of [
  [64, 56],
  [128, 28],
  [256, 14],
  [512, 7],
] as const) {
  const name = `dense 3x3, ${channels} channels at ${size}`;
  const [maps, positions, groups] = [[BATCH, channels, size, size], size * size, channels / 16];
  for (const [label, domain] of [
    ["plain", {}],
    ["blocked", BLOCKED],
  ] as const) {
    await time(`${name}: forward, ${label}`, { x: maps, w: [channels, channels, 3, 3] }, (build) =>
      build.add("Conv", ["x", "w"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, domain),
    );
  }
  const taps = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => [row, column] as const));
  await time(
    `${name}: dW, nine products of NHWC slices`,
    { x: [BATCH, size + 2, size + 2, channels], dy: [channels, BATCH * positions] },
    (build) =>
      build.add(
        "Sum",
        taps.map(([row, column]) => {
          const slice = build.add("Slice", [
            "x",
            build.ints([row, column]),
            build.ints([row + size, column + size]),
            build.ints([1, 2]),
          ]);
          return build.add("MatMul", ["dy", reshape(build, slice, [BATCH * positions, channels])]);
        }),
      ),
  );
  await time(
    `${name}: dW, nine blocked 1x1 convolutions with x as weights`,
    { x: [groups, BATCH, size + 2, size + 2, 16], dy: [channels, (BATCH * positions) / 16, 16] },
    (build) => {
      const turned = build.add("Transpose", ["dy"], { perm: [1, 0, 2] });
      const input = reshape(build, turned, [1, BATCH * positions, channels, 1]);
      return build.add(
        "Sum",
        taps.map(([row, column]) => {
          const slice = build.add("Slice", [
            "x",
            build.ints([row, column]),
            build.ints([row + size, column + size]),
            build.ints([2, 3]),
          ]);
          const weights = reshape(build, slice, [channels, BATCH * positions, 1, 1]);
          return build.add("Conv", [input, weights], { kernel_shape: [1, 1] }, BLOCKED);
        }),
      );
    },
  );
}

const window = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
await time("MaxPool 3x3 of 64 x 112 x 112", { x: [BATCH, 64, 112, 112] }, (build) =>
  build.add("MaxPool", ["x"], window),
);
await time("the same with indices", { x: [BATCH, 64, 112, 112] }, (build) => {
  const [y = "", index = ""] = build.addMany("MaxPool", ["x"], 2, window);
  return build.add("Add", [y, build.add("Cast", [index], { to: 1 })]);
});
