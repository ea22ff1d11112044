import { elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import { decodeBfloat, decodeHalf } from "./float16.ts";
import { refuse } from "./refuse.ts";

/** Weights by name, as PyTorch's `state_dict` lists them. */
export type StateDict = ReadonlyMap<string, Tensor>;

/**
 * A floating-point weight as float32.
 * @param dims the exact shape; `null` in a place accepts any size there
 * @throws ThawError `models/missing-weight`, `models/wrong-shape`, `models/wrong-type`
 */
export function weight(
  weights: StateDict,
  name: string,
  dims: readonly (number | null)[],
): Tensor<"float32"> {
  const tensor = weights.get(name);
  if (tensor === undefined) {
    return refuse("missing-weight", `The weights have no tensor called ${name}`, { where: name });
  }
  const fits =
    tensor.dims.length === dims.length &&
    dims.every((dim, axis) => dim === null || dim === tensor.dims[axis]);
  if (!fits) {
    refuse(
      "wrong-shape",
      `${name} has shape [${tensor.dims.join(", ")}] where [${dims.map((dim) => dim ?? "any").join(", ")}] belongs`,
      { where: name },
    );
  }
  return toFloat32(tensor, name);
}

/**
 * Any floating-point tensor as float32.
 * @throws ThawError `models/wrong-type`
 */
export function toFloat32(tensor: Tensor, name: string): Tensor<"float32"> {
  switch (tensor.type) {
    case "float32":
      return tensor;
    case "float64":
      return float32(Float32Array.from(tensor.data), tensor.dims);
    case "float16":
      return float32(decodeHalf(tensor.data), tensor.dims);
    case "bfloat16":
      return float32(decodeBfloat(tensor.data), tensor.dims);
    default:
      return refuse("wrong-type", `${name} holds ${tensor.type} values, not weights`, {
        where: name,
      });
  }
}

/** True where the number of elements is one that memory could hold. */
export function plausibleDims(dims: readonly number[]): boolean {
  return (
    dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0) &&
    Number.isSafeInteger(elementCount(dims))
  );
}
