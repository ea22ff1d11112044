import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { ThawError } from "../errors.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";

const STOP = "no_tensor";
const known = new WeakMap<Runtime, Promise<boolean>>();

/** A session whose runs write into tensors they are given and return nothing. */
export interface OverwritingSession {
  /** @throws ThawError `runtime/run-failed` */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, Tensor>>,
  ): Promise<void>;
  release(): Promise<void>;
}

/**
 * Opens a model that runs write the outputs of where they are told to. ONNX Runtime's Node binding
 * copies each output once more into a new array, after the run; it takes them in order and stops at
 * one that is no tensor. Where that is how it goes, an empty sequence is made the first output, and
 * nothing is copied.
 * @throws ThawError `runtime/load-failed`
 */
export async function openOverwriting(
  runtime: Runtime,
  model: Uint8Array,
  options: SessionOptions,
): Promise<OverwritingSession> {
  const stops = await stopsAtSequence(runtime);
  const session = await runtime.open(stops ? withStop(model) : model, options);
  return {
    async run(feeds, outputs) {
      await (stops ? runUntilStop(session, feeds, outputs) : session.run(feeds, outputs));
    },
    release: () => session.release(),
  };
}

/** Whether this runtime fails at a sequence once everything is written. Found once for each. */
function stopsAtSequence(runtime: Runtime): Promise<boolean> {
  const found = known.get(runtime) ?? probe(runtime);
  known.set(runtime, found);
  return found;
}

async function probe(runtime: Runtime): Promise<boolean> {
  const info = (name: string): ValueInfo => ({ name, type: "float32", shape: [1] });
  const build = new GraphBuilder(["x"]);
  const y = build.add("Neg", ["x"]);
  const model = writeModel({
    graph: build.build("probe", [info("x")], [info(y)]),
    opsets: new Map([["", 21]]),
    irVersion: 10,
    producer: "thaw",
    metadata: new Map(),
  });
  const written = float32([0], [1]);
  try {
    const session = await runtime.open(withStop(model));
    const stopped = await runUntilStop(session, { x: float32([1], [1]) }, { [y]: written });
    await session.release();
    return stopped && written.data[0] === -1;
  } catch {
    // A runtime that takes no such graph, or fails for another reason, gets none.
    return false;
  }
}

async function runUntilStop(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): Promise<boolean> {
  try {
    await session.run(feeds, { [STOP]: null, ...outputs });
    return false;
  } catch (error) {
    const { cause } = error instanceof ThawError ? error : {};
    if (cause instanceof Error && cause.message.startsWith("Non tensor type")) return true;
    throw error;
  }
}

/** Protobuf joins messages that follow each other; what comes first stays first. */
function withStop(model: Uint8Array): Uint8Array {
  const head = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      graph: create(GraphProtoSchema, {
        node: [create(NodeProtoSchema, { opType: "SequenceEmpty", output: [STOP] })],
        output: [create(ValueInfoProtoSchema, { name: STOP })],
      }),
    }),
  );
  const joined = new Uint8Array(head.length + model.length);
  joined.set(head);
  joined.set(model, head.length);
  return joined;
}
