import * as attribute from "./attributes.ts";
import type { Node } from "./graph.ts";
import { float32, int64, type Tensor } from "./tensor.ts";

/** The tensor a Constant node holds, in whichever of its attributes; undefined for other nodes. */
export function constantTensor(node: Node): Tensor | undefined {
  if (node.op !== "Constant" || node.domain !== "") return undefined;
  const real = attribute.float(node, "value_float", undefined);
  if (real !== undefined) return float32([real], []);
  const reals = attribute.floats(node, "value_floats", undefined);
  if (reals !== undefined) return float32(reals, [reals.length]);
  const whole = attribute.int(node, "value_int", undefined);
  if (whole !== undefined) return { ...int64([whole]), dims: [] };
  const wholes = attribute.ints(node, "value_ints", undefined);
  if (wholes !== undefined) return int64(wholes);
  const text = node.attributes.value_string;
  if (text?.kind === "string") return { type: "string", dims: [], data: [text.value] };
  const texts = node.attributes.value_strings;
  if (texts?.kind === "strings") {
    return { type: "string", dims: [texts.value.length], data: [...texts.value] };
  }
  return attribute.tensor(node, "value");
}
