import { z } from "zod";
import { elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import { decodeHalf, encodeHalf } from "./float16.ts";
import { refuse } from "./refuse.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

const header = z.object({
  format: z.literal("thaw-card/1"),
  /** The model's short name. */
  model: z.string().min(1),
  /** SHA-256 of the weights file the features come from, lower-case hex. */
  modelSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What the sample of the pretraining data is, in words. */
  sample: z.string().min(1),
  /** Pictures in the sample. */
  pictures: z.int().positive(),
  /** The command that made the card. */
  command: z.string().min(1),
  /**
   * Distance between two halves of the sample, by the measure named: what "the same data" scores.
   */
  selfDistance: z.record(z.string(), z.number().nonnegative()),
});
export type CardHeader = z.infer<typeof header>;

/** Statistics of a model's penultimate features on a sample of its pretraining data. */
export interface ReferenceCard {
  readonly header: CardHeader;
  /** [D]. */
  readonly mean: Float32Array;
  /** [D]: standard deviation of each feature. */
  readonly std: Float32Array;
  /** [D, D], row-major, or absent where D is too large for a small file. */
  readonly correlation?: Float32Array;
  /** [M, D], row-major: features of some of the pictures. */
  readonly embeddings: Float32Array;
}

/** A full correlation matrix of more features would not fit into a small file. */
const MAX_CORRELATED = 1024;
const MAX_CARD_BYTES = 2_000_000;

/**
 * The bytes of a card: a safetensors file with the header as JSON in its metadata; correlations
 * (upper triangle) and embeddings in half precision. Correlation and standard deviation are
 * stored apart because covariances span more orders of magnitude than half precision does.
 * @throws ThawError `models/card-too-large` above 2 MB
 */
export function writeCard(card: ReferenceCard): Uint8Array {
  const width = card.mean.length;
  const rows = card.embeddings.length / width;
  const tensors = new Map<string, Tensor>([
    ["mean", float32(card.mean, [width])],
    ["std", float32(card.std, [width])],
    ["embeddings", { type: "float16", dims: [rows, width], data: encodeHalf(card.embeddings) }],
  ]);
  if (card.correlation !== undefined && width <= MAX_CORRELATED) {
    const triangle = packTriangle(card.correlation, width);
    tensors.set("correlation", {
      type: "float16",
      dims: [triangle.length],
      data: encodeHalf(triangle),
    });
  }
  const bytes = writeSafetensors(tensors, new Map([["card", JSON.stringify(card.header)]]));
  if (bytes.length > MAX_CARD_BYTES) {
    refuse("card-too-large", `A card of ${bytes.length} bytes is over the limit of 2 MB`, {
      next: "Keep fewer embeddings.",
    });
  }
  return bytes;
}

/**
 * Reads a card.
 * @throws ThawError `models/bad-card`, `models/bad-safetensors`
 */
export function readCard(bytes: Uint8Array): ReferenceCard {
  if (bytes.length > MAX_CARD_BYTES) return bad("it is over 2 MB");
  const { tensors, metadata } = readSafetensors(bytes);
  const parsed = header.safeParse(parseJson(metadata.get("card") ?? ""));
  if (!parsed.success) return bad("its header makes no sense");
  const width = tensors.get("mean")?.dims[0] ?? 0;
  const rows = tensors.get("embeddings")?.dims[0] ?? 0;
  const triangle = (width * (width + 1)) / 2;
  return {
    header: parsed.data,
    mean: floats(tensors, "mean", [width]),
    std: floats(tensors, "std", [width]),
    embeddings: floats(tensors, "embeddings", [rows, width]),
    ...(tensors.has("correlation")
      ? { correlation: unpackTriangle(floats(tensors, "correlation", [triangle]), width) }
      : {}),
  };
}

/** The covariance matrix [D, D] of a card; diagonal where it holds no correlations. */
export function covariance({ std, correlation }: ReferenceCard): Float64Array {
  const width = std.length;
  const matrix = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      const at = i * width + j;
      const factor = i === j ? 1 : (correlation?.[at] ?? 0);
      matrix[at] = factor * (std[i] ?? 0) * (std[j] ?? 0);
    }
  }
  return matrix;
}

function floats(tensors: ReadonlyMap<string, Tensor>, name: string, dims: readonly number[]) {
  const tensor = tensors.get(name);
  if (tensor?.dims.join() !== dims.join() || elementCount(dims) === 0) {
    return bad(`${name} is missing or has another shape`);
  }
  if (tensor.type !== "float32" && tensor.type !== "float16") return bad(`${name} holds no floats`);
  const values = tensor.type === "float32" ? tensor.data : decodeHalf(tensor.data);
  return values.every(Number.isFinite) ? values : bad(`${name} holds values that are no numbers`);
}

function packTriangle(matrix: Float32Array, width: number): Float32Array {
  const packed = new Float32Array((width * (width + 1)) / 2);
  let at = 0;
  for (let i = 0; i < width; i++) {
    for (let j = i; j < width; j++) packed[at++] = matrix[i * width + j] ?? 0;
  }
  return packed;
}

function unpackTriangle(packed: Float32Array, width: number): Float32Array {
  const matrix = new Float32Array(width * width);
  let at = 0;
  for (let i = 0; i < width; i++) {
    for (let j = i; j < width; j++) {
      const value = packed[at++] ?? 0;
      matrix[i * width + j] = value;
      matrix[j * width + i] = value;
    }
  }
  return matrix;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bad(reason: string): never {
  return refuse("bad-card", `This is not a sound reference card: ${reason}`, {
    next: "Make it again with `thaw models card`, or remove it.",
  });
}
