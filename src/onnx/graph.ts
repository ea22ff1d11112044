import type { DataType, Tensor } from "./tensor.ts";

/** A dimension is a number, a symbol such as `batch`, or unknown. */
export type Dimension = number | string | null;

/** The declared type of a graph input, output or intermediate; `shape` null means unknown rank. */
export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly Dimension[] | null;
}

/** An attribute's value as ONNX stores it; `graph` bodies belong to If, Loop and Scan. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph };

/** One operator call. An omitted optional input or output is the empty string. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A network: nodes in topological order, values named by strings, every name written once. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** What the file declares about intermediates; advisory, never trusted for sizes. */
  readonly values: ReadonlyMap<string, ValueInfo>;
}

/** A graph with what surrounds it in an ONNX file. */
export interface Model {
  readonly graph: Graph;
  /** Operator-set versions by domain; the standard domain is the empty string. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
}
