import type { Graph, Model, Node } from "./graph.ts";
import { topologicalOrder } from "./order.ts";
import { refuse } from "./refuse.ts";
import { mapBodies } from "./rename.ts";

/** Oldest and newest versions of the standard operators that Thaw reads. */
export const OPSET_RANGE = { oldest: 11, newest: 26 } as const;
/** Newest version of the file format itself. */
const NEWEST_IR = 13;

/**
 * A model that keeps the rules of the format: every name written once, every input written
 * somewhere, nodes in topological order, the operator set known.
 * @throws ThawError `onnx/unsupported-version`, `onnx/missing-opset`, `onnx/unsupported-opset`,
 * `onnx/duplicate-name`,
 * `onnx/dangling-input`, `onnx/dangling-output`, `onnx/no-output`, `onnx/cyclic`
 */
export function checked(model: Model): Model {
  checkVersions(model);
  return { ...model, graph: checkGraph(model.graph, () => false, model.opsets) };
}

function checkVersions({ opsets, irVersion }: Model): void {
  if (irVersion > NEWEST_IR) {
    refuse("unsupported-version", `This file is of ONNX format version ${irVersion}`, {
      next: `Export it for format version ${NEWEST_IR} or older.`,
    });
  }
  const version =
    opsets.get("") ?? refuse("missing-opset", "This model does not say which operator set it uses");
  if (version < OPSET_RANGE.oldest || version > OPSET_RANGE.newest) {
    refuse("unsupported-opset", `This model uses operator set ${version}`, {
      next: `Export it with an opset between ${OPSET_RANGE.oldest} and ${OPSET_RANGE.newest}.`,
    });
  }
}

function checkGraph(
  graph: Graph,
  around: (name: string) => boolean,
  opsets: ReadonlyMap<string, number>,
): Graph {
  const own = ownNames(graph);
  const visible = (name: string) => own.has(name) || around(name);
  for (const node of graph.nodes) {
    if (!opsets.has(node.domain)) {
      refuse("missing-opset", `The operators of ${node.domain} have no version in this model`, {
        where: describe(node),
      });
    }
    for (const input of node.inputs) {
      if (input !== "" && !visible(input)) {
        refuse("dangling-input", `Nothing in this model writes the value ${input}`, {
          where: describe(node),
        });
      }
    }
  }
  if (graph.outputs.length === 0) refuse("no-output", "This network puts nothing out");
  const outputs = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!visible(name)) {
      refuse("dangling-output", "Nothing in this model writes one of its outputs", { where: name });
    }
    if (outputs.has(name)) refuse("duplicate-name", "An output is named twice", { where: name });
    outputs.add(name);
  }
  const nodes = topologicalOrder(graph.nodes).map((node) =>
    mapBodies(node, (body) => checkGraph(body, visible, opsets)),
  );
  return { ...graph, nodes };
}

function ownNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  const define = (name: string, where: string) => {
    if (names.has(name)) refuse("duplicate-name", `Two things write the value ${name}`, { where });
    names.add(name);
  };
  for (const input of graph.inputs) define(input.name, "the inputs");
  for (const name of graph.initializers.keys()) define(name, "the initializers");
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== "") define(output, describe(node));
  }
  return names;
}

function describe(node: Node): string {
  return `${node.op} ${node.name}`;
}
