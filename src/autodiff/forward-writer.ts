import { ThawError } from "../errors.ts";
import type { AttributeInput, GraphBuilder } from "../onnx/build.ts";
import type { Node } from "../onnx/graph.ts";

/** Writes forward nodes and keeps what reverse mode needs to know about them. */
export class ForwardWriter {
  readonly build: GraphBuilder;
  /** The forward nodes as reverse mode sees them. */
  readonly nodes: Node[] = [];
  readonly #dims: Map<string, readonly number[]>;

  constructor(build: GraphBuilder, dims: ReadonlyMap<string, readonly number[]>) {
    this.build = build;
    this.#dims = new Map(dims);
  }

  /** Writes a node as it stands. */
  copy(node: Node): void {
    this.build.copy(node);
    this.nodes.push(node);
  }

  /** Writes a new node with one output of the given dimensions and returns the output's name. */
  add(
    op: string,
    inputs: readonly string[],
    dims: readonly number[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    const output = this.build.add(op, inputs, attributes);
    const node = this.build.nodes.at(-1);
    if (node !== undefined) this.nodes.push(node);
    this.#dims.set(output, dims);
    return output;
  }

  /**
   * Dimensions of a value at the training batch size.
   * @throws ThawError `autodiff/unknown-shape`
   */
  dims = (value: string): readonly number[] => {
    const dims = this.#dims.get(value);
    if (dims !== undefined) return dims;
    throw new ThawError({
      code: "autodiff/unknown-shape",
      what: "The dimensions of a value of this network were not discovered",
      where: value,
      next: "Discover the shapes of the very network that is trained.",
    });
  };
}
