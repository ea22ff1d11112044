import { ThawError } from "../../errors.ts";
import type { Node } from "../../onnx/graph.ts";

/** Refuses a node whose gradient is not supported with this attribute. */
export function refuseAttribute(node: Node, name: string, value: string | number): never {
  throw new ThawError({
    code: "autodiff/unsupported-attribute",
    what: `Thaw cannot train through ${node.op} with ${name} = ${value}`,
    where: node.name,
    next: "Export the network with another setting, or train only layers after this one.",
    details: { op: node.op, node: node.name, attribute: name, value },
  });
}

/** Refuses a node whose gradient needs an input beforehand that is computed while it runs. */
export function refuseDynamic(node: Node, input: string): never {
  throw new ThawError({
    code: "autodiff/dynamic-input",
    what: `Thaw cannot train through this ${node.op}: its input ${input} is computed while the network runs`,
    where: node.name,
    next: "Export the network with a fixed input size, or train only layers after this one.",
    details: { op: node.op, node: node.name, input },
  });
}
