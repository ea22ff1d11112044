import { readFileSync } from "node:fs";
import { onnxRuntime } from "../node/onnxruntime.ts";
import type { Model } from "../onnx/graph.ts";
import { readModel } from "../onnx/read.ts";
import { simplify } from "../onnx/simplify.ts";
import { elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import { upgradeModel } from "../onnx/upgrade.ts";
import { writeModel } from "../onnx/write.ts";
import { discoverShapes } from "../runtime/shapes.ts";
import { imageInput } from "./image-input.ts";

/** A network of `test/fixtures/golden`, exported by PyTorch, as the loader would hand it on. */
export async function golden(name: string): Promise<Model> {
  const file = new URL(`../../test/fixtures/golden/${name}.onnx`, import.meta.url);
  return simplify(upgradeModel(await readModel(new Uint8Array(readFileSync(file)))));
}

/** Pictures of the network's own size (32 pixels where it has none), the same for the same arguments. */
export function pictures(model: Model, batch: number): Tensor<"float32"> {
  const [, , height, width] = imageInput(model).shape;
  const size = (dim: unknown) => (typeof dim === "number" ? dim : 32);
  const dims = [batch, 3, size(height), size(width)];
  return float32(
    Float32Array.from(
      { length: elementCount(dims) },
      (_, at) => Math.sin(at * 0.37) + Math.cos(at * at * 0.011),
    ),
    dims,
  );
}

/** Runs a network once. */
export async function run(model: Model, input: Tensor): Promise<Record<string, Tensor>> {
  const session = await onnxRuntime.open(writeModel(model));
  const [name = ""] = session.inputs;
  const outputs = await session.run({ [name]: input });
  await session.release();
  return outputs;
}

/** Dimensions of every value for a batch of one. */
export function shapesOf(model: Model): Promise<Map<string, readonly number[]>> {
  return discoverShapes(onnxRuntime, model, pictures(model, 1).dims);
}

/** The largest difference between two tensors, relative to the largest value of the first. */
export function difference(a: Tensor | undefined, b: Tensor | undefined): number {
  if (a === undefined || b === undefined) throw new Error("an output is missing");
  if (a.dims.join() !== b.dims.join()) throw new Error(`[${a.dims}] against [${b.dims}]`);
  let scale = 0;
  let largest = 0;
  for (let at = 0; at < a.data.length; at++) {
    scale = Math.max(scale, Math.abs(Number(a.data[at])));
    largest = Math.max(largest, Math.abs(Number(a.data[at]) - Number(b.data[at])));
  }
  return largest / scale;
}
