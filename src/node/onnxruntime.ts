import * as ort from "onnxruntime-node";
import { ThawError } from "../errors.ts";
import type { DataType, Tensor } from "../onnx/tensor.ts";
import type { Runtime, Session, SessionOptions } from "../runtime/session.ts";

/** ONNX Runtime on this machine's CPU. */
export const onnxRuntime: Runtime = {
  async open(model, options = {}) {
    try {
      return wrap(await ort.InferenceSession.create(model, sessionOptions(options)));
    } catch (cause) {
      throw new ThawError(
        {
          code: "runtime/load-failed",
          what: `ONNX Runtime cannot load this network: ${message(cause)}`,
          next: "Check the file with `thaw models list` or export it again with a supported opset.",
        },
        cause,
      );
    }
  },
};

function sessionOptions(options: SessionOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    executionMode: "sequential",
    graphOptimizationLevel:
      options.optimization === "none" ? "disabled" : (options.optimization ?? "all"),
    // Measured: cuts the peak memory of a training step by a third at no cost in time.
    enableMemPattern: false,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    logSeverityLevel: 3,
  };
}

function wrap(session: ort.InferenceSession): Session {
  let queue: Promise<unknown> = Promise.resolve();
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run(feeds, fetch) {
      const result = queue.then(() => run(session, feeds, fetch));
      queue = result.catch(() => undefined);
      return result;
    },
    release: () => session.release(),
  };
}

async function run(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  fetch: readonly string[] | Readonly<Record<string, Tensor | null>> | undefined,
): Promise<Record<string, Tensor>> {
  const given = mapValues(feeds, toOrt);
  try {
    const results =
      fetch === undefined
        ? await session.run(given)
        : isNames(fetch)
          ? await session.run(given, [...fetch])
          : await session.run(
              given,
              mapValues(fetch, (tensor) => (tensor === null ? null : toOrt(tensor))),
            );
    return mapValues(results, fromOrt);
  } catch (cause) {
    throw new ThawError(
      {
        code: "runtime/run-failed",
        what: `ONNX Runtime stopped while running the network: ${message(cause)}`,
        next: "Check that the input size and batch fit this network.",
      },
      cause,
    );
  }
}

function isNames(
  fetch: readonly string[] | Readonly<Record<string, Tensor | null>>,
): fetch is readonly string[] {
  return Array.isArray(fetch);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function toOrt(tensor: Tensor): ort.Tensor {
  if (tensor.type === "bfloat16") {
    throw new ThawError({
      code: "runtime/unsupported-type",
      what: "ONNX Runtime's JavaScript binding takes no bfloat16 tensors",
      next: "Convert the tensor to float32 first.",
    });
  }
  return new ort.Tensor(tensor.type, tensor.data as ort.Tensor.DataType, [...tensor.dims]);
}

const supported: ReadonlySet<string> = new Set<DataType>([
  "float32",
  "float64",
  "float16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
]);

function fromOrt(tensor: ort.Tensor): Tensor {
  if (!supported.has(tensor.type)) {
    throw new ThawError({
      code: "runtime/unsupported-type",
      what: `ONNX Runtime returned a ${tensor.type} tensor`,
      next: "Cast this output of the network to float32.",
    });
  }
  // The set above is the proof that type and data belong to each other; ort types them apart.
  return { type: tensor.type, dims: tensor.dims, data: tensor.data } as Tensor;
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
