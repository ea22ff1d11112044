import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { randomFor } from "../../src/data/random.ts";
import type { TrainOptions } from "../../src/job/options.ts";
import { GraphBuilder } from "../../src/onnx/build.ts";
import type { Model } from "../../src/onnx/graph.ts";
import { float32 } from "../../src/onnx/tensor.ts";
import { WORKING_OPSET } from "../../src/onnx/upgrade.ts";
import { writeModel } from "../../src/onnx/write.ts";

const side = 16;

/**
 * Three convolutions, pooled, and a classifier of four classes: three places to thaw. Without
 * norms nothing tells what the network was pretrained on, so a plan asks for a race.
 */
export function tinyBackbone(norms: boolean, weightOf: (index: number) => number = wave): Model {
  const build = new GraphBuilder(["image", "logits"]);
  let counted = 0;
  const weight = (dims: readonly number[], values: (i: number) => number) => {
    const name = `weight${counted++}`;
    const length = dims.reduce((product, dim) => product * dim, 1);
    build.initializers.set(
      name,
      float32(
        Float32Array.from({ length }, (_, i) => values(i)),
        dims,
      ),
    );
    return name;
  };
  let at = "image";
  let channels = 3;
  for (const width of [6, 8, 10]) {
    const scale = Math.sqrt(2 / (9 * channels));
    const kernel = weight([width, channels, 3, 3], (i) => weightOf(i) * scale);
    const conv = build.add("Conv", [at, kernel], { pads: [1, 1, 1, 1], strides: [2, 2] });
    const normed = norms
      ? build.add("BatchNormalization", [
          conv,
          weight([width], () => 1),
          weight([width], () => 0),
          weight([width], (i) => 0.1 * wave(i)),
          weight([width], () => 0.5),
        ])
      : conv;
    at = build.add("Relu", [normed]);
    channels = width;
  }
  const pooled = build.add("Flatten", [build.add("GlobalAveragePool", [at])], { axis: 1 });
  const classifier = weight([4, channels], wave);
  build.add(
    "Gemm",
    [pooled, classifier, weight([4], () => 0)],
    { transB: 1 },
    { output: "logits" },
  );
  return {
    graph: build.build(
      "tiny",
      [{ name: "image", type: "float32", shape: ["batch", 3, side, side] }],
      [{ name: "logits", type: "float32", shape: ["batch", 4] }],
    ),
    opsets: new Map([["", WORKING_OPSET]]),
    irVersion: 10,
    producer: "test",
    metadata: new Map(),
  };
}

function wave(index: number): number {
  return Math.sin(index * 1.7 + index * index * 0.013);
}

/** A noisy picture whose colour and stripes tell its class. */
export function tinyPicture(label: number, number: number, width = side): Promise<Buffer> {
  const random = randomFor("tiny", label, number);
  const data = new Uint8Array(width * width * 3);
  for (let i = 0; i < data.length; i++) {
    const x = Math.floor(i / 3) % width;
    const stripe = Math.sin((x * (label + 1) * 6.3) / width) * 40;
    const tint = i % 3 === label % 3 ? 30 : 0;
    data[i] = Math.max(0, Math.min(255, 110 + stripe + tint + random.between(-80, 80)));
  }
  return sharp(data, { raw: { width, height: width, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** Puts two networks and `pictures/<class>/<number>.png` into a folder. */
export async function writeTinyTask(
  folder: string,
  { classes = 3, each = 16 }: { readonly classes?: number; readonly each?: number } = {},
): Promise<TinyTask> {
  const task = {
    normed: join(folder, "normed.onnx"),
    plain: join(folder, "plain.onnx"),
    pictures: join(folder, "pictures"),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(task.normed, writeModel(tinyBackbone(true)));
  await writeFile(task.plain, writeModel(tinyBackbone(false)));
  for (let label = 0; label < classes; label++) {
    await mkdir(join(task.pictures, `class ${label}`), { recursive: true });
    for (let number = 0; number < each; number++) {
      const file = join(task.pictures, `class ${label}`, `${number}.png`);
      await writeFile(file, await tinyPicture(label, number));
    }
  }
  return task;
}

export interface TinyTask {
  /** A network whose plan asks for the balance search. */
  readonly normed: string;
  /** A network whose plan asks for a race. */
  readonly plain: string;
  readonly pictures: string;
}

/** Every way a run can go, by name; small, and the same everywhere. */
export function ways({ normed, plain }: TinyTask): Readonly<Record<string, Partial<TrainOptions>>> {
  const common = { threads: 1, memoryMB: 32, seed: 3, model: normed };
  return {
    head: { ...common, strategy: "head", int8: true },
    rear: { ...common, strategy: "rear", epochs: 30 },
    partial: { ...common, strategy: "partial", epochs: 30 },
    full: { ...common, strategy: "full", epochs: 30 },
    // Activations at this size are more than the memory allowed: they are kept in a file.
    file: { ...common, strategy: "partial", epochs: 3, imageSize: 512, memoryMB: 16 },
    "rule only": { ...common, ruleOnly: true, epochs: 20 },
    race: { ...common, model: plain, epochs: 8 },
    search: { ...common, epochs: 6 },
    // One picture a step: training ends clearly worse than the linear probe, and is done again.
    retry: { ...common, epochs: 2, batchSize: 1, seed: 1 },
  };
}
