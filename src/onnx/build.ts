import type { Attribute, Graph, Node, ValueInfo } from "./graph.ts";
import { float32, int64, type Tensor } from "./tensor.ts";

/** Attribute values as written by hand; an integer number is an int, any other number a float. */
export type AttributeInput = number | readonly number[] | string | Tensor | Attribute;

/** Turns a handwritten value into a typed attribute. Use `{ kind: "float", value: 1 }` for integral floats. */
export function attribute(value: AttributeInput): Attribute {
  if (typeof value === "string") return { kind: "string", value };
  if (typeof value === "number") {
    return Number.isInteger(value) ? { kind: "int", value } : { kind: "float", value };
  }
  if (isList(value)) {
    return value.every(Number.isInteger) ? { kind: "ints", value } : { kind: "floats", value };
  }
  return "kind" in value ? value : { kind: "tensor", value };
}

function isList(value: readonly number[] | Tensor | Attribute): value is readonly number[] {
  return Array.isArray(value);
}

/**
 * Writes a graph node by node. Names are made unique, constants of equal content are shared,
 * and nodes come out in the order they were added, which is topological by construction.
 */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #taken = new Set<string>();
  readonly #constants = new Map<string, string>();
  readonly #counters = new Map<string, number>();

  /** `taken` are names already in use by the values the new nodes will live beside. */
  constructor(taken: Iterable<string> = []) {
    for (const name of taken) this.#taken.add(name);
  }

  /** A name not used so far: the hint itself if free, else the hint and a number. */
  fresh(hint: string): string {
    let name = hint;
    let count = this.#counters.get(hint) ?? 0;
    while (this.#taken.has(name)) name = `${hint}_${++count}`;
    this.#counters.set(hint, count);
    this.#taken.add(name);
    return name;
  }

  /** Reserves a name that is written elsewhere. */
  reserve(name: string): string {
    this.#taken.add(name);
    return name;
  }

  /** Adds a node with one output and returns the output's name. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    options: { readonly output?: string; readonly domain?: string } = {},
  ): string {
    const output = options.output ?? this.fresh(op);
    this.#push(op, inputs, [output], attributes, options.domain ?? "");
    return output;
  }

  /** Adds a node with `count` outputs and returns their names. */
  addMany(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, AttributeInput>> = {},
    options: { readonly domain?: string } = {},
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(op));
    this.#push(op, inputs, outputs, attributes, options.domain ?? "");
    return outputs;
  }

  /** Copies an existing node as it stands; its output names become taken. */
  copy(node: Node): void {
    for (const output of node.outputs) this.#taken.add(output);
    this.nodes.push(node);
  }

  /** Adds a constant and returns its name; small constants of equal content are written once. */
  constant(tensor: Tensor, hint = "const"): string {
    const small = tensor.data.length <= 64;
    const key = small ? `${tensor.type}[${tensor.dims.join()}]:${tensor.data.join()}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.fresh(hint);
    this.initializers.set(name, tensor);
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  /** A float32 scalar constant. */
  scalar(value: number): string {
    return this.constant(float32([value], []));
  }

  /** A one-dimensional int64 constant: axes, shapes, pads. */
  ints(values: readonly number[]): string {
    return this.constant(int64(values));
  }

  /** The finished graph. */
  build(name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph {
    return {
      name,
      nodes: this.nodes,
      inputs,
      outputs,
      initializers: this.initializers,
      values: new Map(),
    };
  }

  #push(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    domain: string,
  ): void {
    const typed = Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [key, attribute(value)]),
    );
    this.nodes.push({
      name: this.fresh(`${op}_node`),
      op,
      domain,
      inputs,
      outputs,
      attributes: typed,
    });
  }
}
