import { onnxRuntime } from "../node/onnxruntime.ts";
import type { Model } from "./graph.ts";
import { elementCount, type Tensor } from "./tensor.ts";
import { writeModel } from "./write.ts";

/** Runs a network in ONNX Runtime on inputs of fixed content; symbolic dimensions become 2. */
export async function run(
  model: Model,
  options: { readonly bytes?: Uint8Array; readonly feeds?: Readonly<Record<string, Tensor>> } = {},
): Promise<Record<string, Tensor>> {
  const bytes = options.bytes ?? writeModel(model);
  const session = await onnxRuntime.open(bytes, { threads: 1, optimization: "basic" });
  try {
    return await session.run(options.feeds ?? feedsFor(model));
  } finally {
    await session.release();
  }
}

/** Smooth pseudo-random inputs between -1 and 1. */
export function feedsFor(model: Model): Record<string, Tensor> {
  return Object.fromEntries(
    model.graph.inputs.map(({ name, shape }) => {
      const dims = (shape ?? []).map((dim) => (typeof dim === "number" ? dim : 2));
      const data = Float32Array.from({ length: elementCount(dims) }, (_, i) => Math.sin(i * 0.7));
      return [name, { type: "float32", dims, data }];
    }),
  );
}

/** The bytes behind a tensor. */
export function bytesOf(tensor: Tensor | undefined): Uint8Array {
  if (tensor === undefined || tensor.type === "string") throw new Error("no numeric tensor");
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).slice();
}
