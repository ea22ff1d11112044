import type { Tensor } from "../onnx/tensor.ts";

/** How a session uses the machine. */
export interface SessionOptions {
  /** Threads inside one operator; the runtime's default when absent. */
  readonly threads?: number;
  /**
   * `all` for inference with constant weights; `extended` where weights are inputs, so that the
   * runtime fuses nodes but leaves the layout alone. Default `all`.
   */
  readonly optimization?: "all" | "extended" | "basic" | "none";
}

/** A loaded network. One run at a time; runs of one session are queued in call order. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs the network. `fetch` names the outputs wanted, or gives tensors to write them into
   * (their buffers are reused, dims and type must match exactly). Absent: all outputs.
   * @throws ThawError `runtime/run-failed`
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetch?: readonly string[] | Readonly<Record<string, Tensor | null>>,
  ): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** A numerical engine: in Node `src/node/onnxruntime.ts`, in a browser onnxruntime-web. */
export interface Runtime {
  /**
   * @param model a serialised ONNX model without external data
   * @throws ThawError `runtime/load-failed`
   */
  open(model: Uint8Array, options?: SessionOptions): Promise<Session>;
}
