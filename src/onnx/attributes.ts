import type { Attribute, Node } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

/** The integer attribute of this name, or the operator's default. */
export function int<T>(node: Node, name: string, absent: T): number | T {
  const found = node.attributes[name];
  return found?.kind === "int" ? found.value : absent;
}

/** The integer-list attribute of this name, or the operator's default. */
export function ints<T>(node: Node, name: string, absent: T): readonly number[] | T {
  const found = node.attributes[name];
  return found?.kind === "ints" ? found.value : absent;
}

/** The float attribute of this name, or the operator's default. */
export function float<T>(node: Node, name: string, absent: T): number | T {
  const found = node.attributes[name];
  return found?.kind === "float" || found?.kind === "int" ? found.value : absent;
}

/** The float-list attribute of this name, or the operator's default. */
export function floats<T>(node: Node, name: string, absent: T): readonly number[] | T {
  const found = node.attributes[name];
  return found?.kind === "floats" ? found.value : absent;
}

/** The string attribute of this name, or the operator's default. */
export function string<T>(node: Node, name: string, absent: T): string | T {
  const found = node.attributes[name];
  return found?.kind === "string" ? found.value : absent;
}

/** The tensor attribute of this name, if the node has it. */
export function tensor(node: Node, name: string): Tensor | undefined {
  const found = node.attributes[name];
  return found?.kind === "tensor" ? found.value : undefined;
}

/** A float attribute for a node being written; a bare integral number would be typed as an int. */
export function real(value: number): Attribute {
  return { kind: "float", value };
}
