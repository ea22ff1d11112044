import { GGMLQuantizationType, gguf } from "@huggingface/gguf";
import { bytesPerElement } from "../onnx/data-type.ts";
import { type DataType, elementCount, type Tensor } from "../onnx/tensor.ts";
import { refuse } from "./refuse.ts";
import { tensorFrom } from "./safetensors.ts";
import { plausibleDims } from "./state-dict.ts";

const types: ReadonlyMap<number, Exclude<DataType, "string">> = new Map([
  [GGMLQuantizationType.F32, "float32"],
  [GGMLQuantizationType.F16, "float16"],
  [GGMLQuantizationType.BF16, "bfloat16"],
  [GGMLQuantizationType.F64, "float64"],
  [GGMLQuantizationType.I8, "int8"],
  [GGMLQuantizationType.I16, "int16"],
  [GGMLQuantizationType.I32, "int32"],
  [GGMLQuantizationType.I64, "int64"],
]);

/**
 * Reads the tensors of a GGUF file, unquantised types only. GGUF stores dimensions innermost
 * first; the result has them in PyTorch's order.
 * @throws ThawError `models/bad-gguf`, `models/quantised`
 */
export async function readGguf(bytes: Uint8Array): Promise<ReadonlyMap<string, Tensor>> {
  const { tensorInfos, tensorDataOffset, littleEndian } = await parseHeader(bytes);
  if (!littleEndian) return bad("it is big-endian");
  const tensors = new Map<string, Tensor>();
  for (const { name, shape, dtype, offset } of tensorInfos) {
    const type = types.get(dtype);
    if (type === undefined) {
      return refuse(
        "quantised",
        "This GGUF file holds quantised weights, which cannot be trained",
        {
          where: name,
          next: "Choose the float16 or float32 version of the file.",
        },
      );
    }
    const dims = shape.map(Number).reverse();
    if (!plausibleDims(dims)) return bad("a tensor's shape makes no sense", name);
    const begin = Number(tensorDataOffset + offset);
    const end = begin + elementCount(dims) * bytesPerElement(type);
    if (end > bytes.length) return bad("a tensor lies outside the file", name);
    if (tensors.has(name)) return bad("two tensors have one name", name);
    tensors.set(name, tensorFrom(type, dims, bytes.subarray(begin, end)));
  }
  return tensors;
}

async function parseHeader(bytes: Uint8Array) {
  try {
    // The library reads over HTTP ranges; this address is answered from memory.
    return await gguf("https://memory.invalid/model.gguf", { fetch: fromMemory(bytes) });
  } catch (cause) {
    return bad(cause instanceof Error ? cause.message : String(cause), undefined, cause);
  }
}

function fromMemory(bytes: Uint8Array): typeof fetch {
  let atEnd = false;
  return async (_, init) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get("range") ?? "");
    const begin = Number(range?.[1] ?? 0);
    // The library looks ahead once past the end of a small file; more means the header is cut off.
    if (begin >= bytes.length && atEnd) throw new Error("its header is cut off");
    atEnd = begin >= bytes.length;
    const part = bytes.slice(begin, Number(range?.[2] ?? bytes.length) + 1);
    return new Response(part, {
      headers: { "content-range": `bytes ${begin}-${begin + part.length - 1}/${bytes.length}` },
    });
  };
}

function bad(reason: string, where?: string, cause?: unknown): never {
  return refuse("bad-gguf", `This is not a sound GGUF file: ${reason}`, {
    ...(where === undefined ? {} : { where }),
    next: "Fetch or export the file again.",
    cause,
  });
}
