import type { GraphBuilder } from "../../onnx/build.ts";
import type { Node } from "../../onnx/graph.ts";
import { elementCount, type Tensor } from "../../onnx/tensor.ts";

export const NCHWC = { domain: "com.microsoft.nchwc" };

type Dims = readonly number[];

/** A value that is another one under different dimensions: a Reshape not written yet. */
export interface View {
  readonly source: string;
  readonly dims: Dims;
}

/** Weights [O, I, height, width] read as [I, O, ...]: a Transpose, and a Slice, not written yet. */
export interface Turned {
  readonly source: string;
  /** The kernel's elements along each spatial axis, in order. */
  readonly taken: readonly (readonly number[])[];
}

/** A max pooling by columns first, then by rows. */
export interface Pooling {
  readonly x: string;
  readonly byColumn: string;
  readonly y: string;
  /** Plain dimensions of x. */
  readonly dims: Dims;
}

/** Writes a node in blocked form; false where it has none and stays as it is. */
export type BlockedRule = (values: Values, node: Node) => boolean;

/**
 * The values of a graph while its layout changes, each in one or both of two forms: plain NCHW,
 * and blocked, where the channels stand in groups of `block` behind the spatial axes
 * ([N, C / block, H, W, block] in memory) and are filled up to a whole group. What the filled-up
 * channels hold is finite and never read.
 */
export class Values {
  readonly build: GraphBuilder;
  readonly block: number;
  /** Outputs of the Adds of two blocked maps. */
  readonly additions = new Set<string>();
  /** Poolings in blocked form, by the name of their indices. */
  readonly pools = new Map<string, Pooling>();
  readonly #dims: Map<string, Dims>;
  readonly #constant: (value: string) => Tensor | undefined;
  readonly #blocked = new Map<string, string>();
  readonly #blockedOnDemand = new Map<string, () => string>();
  readonly #plainOnDemand = new Map<string, () => void>();
  readonly #views = new Map<string, View>();
  readonly #turned = new Map<string, Turned>();
  readonly #once = new Map<string, string>();

  constructor(
    build: GraphBuilder,
    block: number,
    dims: ReadonlyMap<string, Dims>,
    constant: (value: string) => Tensor | undefined,
  ) {
    this.build = build;
    this.#constant = constant;
    this.block = block;
    this.#dims = new Map(dims);
  }

  dims(value: string): Dims | undefined {
    return this.#dims.get(value);
  }

  /** The numbers a constant holds: axes, positions. */
  ints(value: string): readonly number[] | undefined {
    const tensor = this.#constant(value);
    return tensor?.type === "int64" ? [...tensor.data].map(Number) : undefined;
  }

  setDims(value: string, dims: Dims | undefined): void {
    if (dims !== undefined) this.#dims.set(value, dims);
  }

  view(value: string): View | undefined {
    return this.#views.get(value);
  }

  turned(value: string): Turned | undefined {
    return this.#turned.get(value);
  }

  /** What `make` wrote for this key the first time. */
  once(key: string, make: () => string): string {
    const name = this.#once.get(key) ?? make();
    this.#once.set(key, name);
    return name;
  }

  /** Channels filled up to whole groups. */
  filled(channels: number): number {
    return Math.ceil(channels / this.block) * this.block;
  }

  /** Whether the value exists in blocked form already, or costs no pass to bring there. */
  isBlocked(value: string): boolean {
    return this.#blocked.has(value) || this.#blockedOnDemand.has(value);
  }

  /** Whether the value can be had in blocked form at all. The kernels reorder 4 channels at a time. */
  canBlock(value: string): boolean {
    const dims = this.#dims.get(value);
    return this.isBlocked(value) || (dims?.length === 4 && (dims[1] ?? 1) % 4 === 0);
  }

  /** The name of the value in blocked form. */
  blocked(value: string): string {
    const known = this.#blocked.get(value);
    if (known !== undefined) return known;
    const make = this.#blockedOnDemand.get(value);
    const name = make?.() ?? this.build.add("ReorderInput", [this.plain(value)], {}, NCHWC);
    this.#blocked.set(value, name);
    return name;
  }

  /** The name of the value in plain form, which is its own. */
  plain(value: string): string {
    const make = this.#plainOnDemand.get(value);
    this.#plainOnDemand.delete(value);
    make?.();
    return value;
  }

  /** Records that a value of the original graph was written in blocked form. */
  setBlocked(value: string, name: string): void {
    this.#blocked.set(value, name);
    const channels = this.#dims.get(value)?.[1] ?? 1;
    this.#plainOnDemand.set(value, () => {
      this.build.add("ReorderOutput", [name], { channels }, { ...NCHWC, output: value });
    });
  }

  /** Records how to write a value that only one of its two forms may be asked for. */
  setLazy(value: string, plain: () => void, blocked?: () => string): void {
    this.#plainOnDemand.set(value, plain);
    if (blocked !== undefined) this.#blockedOnDemand.set(value, blocked);
  }

  /** Records that a view of a [N, C, H, W] value was written in blocked form. */
  setBlockedView(value: string, name: string, dims: Dims): void {
    const source = this.build.fresh(`${value}_blocked`);
    this.#dims.set(source, dims);
    this.setBlocked(source, name);
    const shape = this.#dims.get(value) ?? dims;
    this.setView(value, { source, dims: shape }, () => {
      this.reshape(this.plain(source), shape, value);
    });
  }

  setView(value: string, view: View, plain: () => void): void {
    this.#views.set(value, view);
    this.#plainOnDemand.set(value, plain);
  }

  /** Records what the node would write if its output were read as it is. */
  setTurned(node: Node, turned: Turned): void {
    const [output = ""] = node.outputs;
    this.#turned.set(output, turned);
    this.setLazy(output, () => {
      this.plain(node.inputs[0] ?? "");
      this.build.copy(node);
    });
  }

  reshape(value: string, dims: Dims, output?: string): string {
    const into = output === undefined ? {} : { output };
    return this.build.add("Reshape", [value, this.build.ints(dims)], {}, into);
  }

  /** [N, C, H, W] blocked as the five axes it has in memory: [N, C / block, H, W, block]. */
  grouped([batch = 1, channels = 1, ...spatial]: Dims): Dims {
    return [batch, this.filled(channels) / this.block, ...spatial, this.block];
  }

  /** Dimensions of the blocked form as the kernels count them: [N, filled C, H, W]. */
  nominal([batch = 1, channels = 1, ...spatial]: Dims): Dims {
    return [batch, this.filled(channels), ...spatial];
  }

  /** Fills an axis up with zeros to `size`. */
  fill(value: string, dims: Dims, axis: number, size: number): string {
    const missing = size - (dims[axis] ?? 0);
    if (missing === 0) return value;
    const pads = [0, missing];
    return this.build.add("Pad", [value, this.build.ints(pads), "", this.build.ints([axis])]);
  }

  /** The first `size` elements of an axis that may have been filled up. */
  trim(value: string, dims: Dims, axis: number, size: number): string {
    if (dims[axis] === size) return value;
    const [zero, end, at] = [0, size, axis].map((number) => this.build.ints([number]));
    return this.build.add("Slice", [value, zero ?? "", end ?? "", at ?? ""]);
  }

  /** One number a channel, [n, C, 1, 1] or [C, 1, 1] or [C], as [n, C / block, 1, 1, block]. */
  perChannel(value: string, channels: number): string {
    const count = elementCount(this.#dims.get(value) ?? []) / channels;
    const flat = this.reshape(this.plain(value), [count, channels]);
    const filled = this.fill(flat, [count, channels], 1, this.filled(channels));
    return this.reshape(filled, this.grouped([count, channels, 1, 1]));
  }
}
