import { type GraphProto, type TensorProto, TensorProto_DataLocation } from "onnx-buf";
import { refuse } from "./refuse.ts";
import { declaredBytes } from "./tensor-proto.ts";

/** Reads files that stand beside a model. */
export interface ExternalData {
  /**
   * `length` bytes from `offset` of the file at `location`, a path relative to the model's own
   * folder that has been checked to stay inside it (symbolic links are the implementer's to
   * check). Must compare the range with the file's size before allocating anything.
   */
  read(location: string, offset: number, length: number): Promise<Uint8Array>;
}

/** Protobuf cannot hold more, so a model with more could never be written or loaded in one piece. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/**
 * Puts the bytes of every externally stored tensor into the message as raw data.
 * @throws ThawError `onnx/external-missing`, `onnx/external-location`, `onnx/external-range`
 */
export async function loadExternal(
  graph: GraphProto,
  external: ExternalData | undefined,
): Promise<void> {
  const pending = new Set([...tensorsOf(graph)].filter(isExternal));
  if (pending.size === 0) return;
  if (external === undefined) {
    return refuse("external-missing", "This model keeps its weights in files beside it", {
      where: [...pending][0]?.name ?? "",
      next: "Give the model as a path, with its data files in the same folder.",
    });
  }
  let total = 0;
  for (const tensor of pending) {
    const { location, offset, length } = externalRange(tensor);
    total += length;
    if (total > MAX_MODEL_BYTES) {
      refuse("external-range", "The external weights add up to more than 2 GiB", {
        where: tensor.name,
      });
    }
    const bytes = await external.read(location, offset, length);
    if (bytes.length !== length) {
      refuse("external-range", `The file ${location} ends before the tensor's data does`, {
        where: tensor.name,
      });
    }
    tensor.rawData = bytes.buffer instanceof ArrayBuffer ? view(bytes, bytes.buffer) : copy(bytes);
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
  }
}

function view(bytes: Uint8Array, buffer: ArrayBuffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, bytes.byteOffset, bytes.length);
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { attribute } of graph.node) {
    for (const { t, g } of attribute) {
      if (t !== undefined) yield t;
      if (g !== undefined) yield* tensorsOf(g);
    }
  }
}

function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

function externalRange(tensor: TensorProto) {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = checkLocation(entries.get("location") ?? "", tensor.name);
  const expected = declaredBytes(tensor);
  const offset = wholeNumber(entries.get("offset") ?? "0", tensor.name);
  const length = wholeNumber(entries.get("length") ?? String(expected), tensor.name);
  if (length !== expected) {
    refuse(
      "lying-shape",
      `The external data has ${length} bytes where the shape needs ${expected}`,
      { where: tensor.name },
    );
  }
  return { location, offset, length };
}

function wholeNumber(text: string, where: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    return refuse("external-range", `"${text.slice(0, 40)}" is no offset or length`, { where });
  }
  return value;
}

/**
 * A location that cannot leave the model's folder on any operating system, or an error.
 * @throws ThawError `onnx/external-location`
 */
export function checkLocation(location: string, where: string): string {
  const safe =
    location.length <= 1024 &&
    // A colon would be a drive or a stream on Windows, a backslash a separator.
    !/[\\:\p{Cc}]/u.test(location) &&
    // Windows drops dots and spaces at a name's end, so that `.. ` would be `..` there.
    location.split("/").every((part) => part === "." || !/^$|\.\.$|[. ]$/.test(part));
  if (!safe) {
    return refuse("external-location", "The external data lies outside the model's own folder", {
      where,
      next: "Use a model whose data files stand beside it under plain relative names.",
    });
  }
  return location;
}
