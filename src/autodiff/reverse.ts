import type { GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { missingRule } from "./missing-rule.ts";
import { writeAgain } from "./recall.ts";
import { passive } from "./rule.ts";
import { rules } from "./rules/index.ts";

/** A stretch of forward graph to differentiate. */
export interface Forward {
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Dimensions of every value the nodes read or write. */
  dims(value: string): readonly number[];
  /** The tensor behind a value that never changes, if it is one. */
  constant(value: string): Tensor | undefined;
}

/**
 * Reverse-mode differentiation, graph in and graph out: writes the backward nodes of `forward`
 * into `build` and returns the gradient's name for each of the `sources` that one arrives at and
 * for the values on the way. Only nodes on a path from a source to a seed are visited.
 *
 * @param sources values to differentiate with respect to
 * @param seeds the gradient of each output, by the output's name
 * @throws ThawError `autodiff/missing-rule` naming the operator, the node and the nearest cut
 */
export function differentiate(
  forward: Forward,
  build: GraphBuilder,
  sources: ReadonlySet<string>,
  seeds: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const { nodes } = forward;
  const dependent = dependentValues(nodes, sources);
  const arriving = new Map<string, string[]>();
  for (const [value, seed] of seeds) arriving.set(value, [seed]);

  const gradientOf = (value: string): string | undefined => {
    const parts = arriving.get(value);
    if (value === "" || parts === undefined) return undefined;
    const [first] = parts;
    if (parts.length === 1) return first;
    const total = build.add(parts.length === 2 ? "Add" : "Sum", parts);
    arriving.set(value, [total]);
    return total;
  };

  const writers = new Map(nodes.map((node) => [node.outputs[0] ?? "", node]));
  const recalled = new Map<string, string>();
  const originals = new Map<string, string>();
  /** The name the backward pass reads a forward value under. */
  const recall = (value: string): string => {
    const writer = writers.get(value);
    // Only where the writer's rule reads its input, so that nothing else has to be kept for this.
    if (!writer?.inputs.slice(0, 2).some((input) => dependent.has(input))) return value;
    const again = recalled.get(value) ?? writeAgain(build, writer, recall) ?? value;
    recalled.set(value, again);
    originals.set(again, value);
    return again;
  };
  const dims = (value: string) => forward.dims(originals.get(value) ?? value);

  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index];
    if (node === undefined || !node.inputs.some((input) => dependent.has(input))) continue;
    if (!node.outputs.some((output) => arriving.has(output))) continue;
    const rule = ruleOf(node);
    if (rule === undefined) {
      throw missingRule(nodes, index, varyingRoots(forward, sources), seeds.keys());
    }
    const gradients = node.outputs.map(gradientOf);
    const thunks = rule({
      node: { ...node, inputs: node.inputs.map(recall) },
      build,
      gradients,
      dims,
      constant: forward.constant,
    });
    node.inputs.forEach((input, position) => {
      const thunk = thunks[position];
      if (thunk === undefined || !dependent.has(input)) return;
      const parts = arriving.get(input);
      if (parts === undefined) arriving.set(input, [thunk()]);
      else parts.push(thunk());
    });
  }

  for (const source of sources) gradientOf(source);
  return new Map([...arriving].map(([value, parts]) => [value, parts[0] ?? ""]));
}

/** The values a gradient can flow back from to one of the sources, the sources included. */
export function dependentValues(
  nodes: readonly Node[],
  sources: ReadonlySet<string>,
): ReadonlySet<string> {
  const dependent = new Set(sources);
  for (const node of nodes) {
    if (ruleOf(node) === passive) continue;
    if (!node.inputs.some((input) => dependent.has(input))) continue;
    for (const output of node.outputs) if (output !== "") dependent.add(output);
  }
  return dependent;
}

function ruleOf(node: Node) {
  return node.domain === "" ? rules.get(node.op) : undefined;
}

function varyingRoots(forward: Forward, sources: ReadonlySet<string>): Set<string> {
  const written = new Set(forward.nodes.flatMap((node) => node.outputs));
  const read = forward.nodes.flatMap((node) => node.inputs);
  return new Set(
    read.filter(
      (value) =>
        value !== "" &&
        !written.has(value) &&
        !sources.has(value) &&
        forward.constant(value) === undefined,
    ),
  );
}
