import type { Attribute, Node } from "../onnx/graph.ts";

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
export function float(node: Node, name: string, absent: number): number {
  const found = node.attributes[name];
  return found?.kind === "float" || found?.kind === "int" ? found.value : absent;
}

/** The string attribute of this name, or the operator's default. */
export function string<T extends string>(node: Node, name: string, absent: T): string {
  const found = node.attributes[name];
  return found?.kind === "string" ? found.value : absent;
}

/** A float attribute for a node being written; a bare integral number would be typed as an int. */
export function real(value: number): Attribute {
  return { kind: "float", value };
}
