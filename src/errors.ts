/** The folder an error comes from, followed by what went wrong there, for example `onnx/truncated`. */
export type FaultCode =
  `${"onnx" | "autodiff" | "runtime" | "models" | "data" | "measure" | "plan" | "train" | "evaluate" | "report" | "node" | "job" | "cli"}/${string}`;

/** A failure a user can act on: what happened, where, and what to do next. */
export interface Fault {
  readonly code: FaultCode;
  /** One sentence: what happened. */
  readonly what: string;
  /** The file, node, picture or option it happened at. */
  readonly where?: string;
  /** One sentence: what to do next. */
  readonly next: string;
  /** Machine-readable particulars, JSON-serialisable. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The only error Thaw throws on purpose. Anything else that escapes is a defect in Thaw.
 * The fault is the whole message; `cause` keeps the error of a library beneath.
 */
export class ThawError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, cause?: unknown) {
    super(fault.where === undefined ? fault.what : `${fault.what} (${fault.where})`, { cause });
    this.name = "ThawError";
    this.fault = fault;
  }
}
