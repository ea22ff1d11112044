import { floats, readSafetensors, safetensorsParts } from "../models/safetensors.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { type FitState, fitProgress } from "./fit-state.ts";

const tensorPrefix = "state/";
const bestPrefix = "best/";
const bestLogits = "logits/best";
const logits = "logits/current";
const progressKey = "thaw.progress";

/**
 * A fit's state as one safetensors file in pieces, its counters as JSON in the file's metadata.
 * The pieces are the state's own bytes.
 */
export function encodeCheckpoint(state: FitState): readonly Uint8Array[] {
  const named = (prefix: string, tensors: ReadonlyMap<string, Tensor>) =>
    [...tensors].map(([name, tensor]): [string, Tensor] => [`${prefix}${name}`, tensor]);
  return safetensorsParts(
    new Map([
      ...named(tensorPrefix, state.tensors),
      ...named(bestPrefix, state.best),
      [bestLogits, float32(state.bestLogits, [state.bestLogits.length])],
      [logits, float32(state.logits, [state.logits.length])],
    ]),
    new Map([[progressKey, JSON.stringify(state.progress)]]),
  );
}

/**
 * Reads what `encodeCheckpoint` wrote, bit by bit.
 * @throws ThawError `models/bad-safetensors`; ZodError, SyntaxError or TypeError for other content
 */
export function decodeCheckpoint(bytes: Uint8Array): FitState {
  const { tensors, metadata } = readSafetensors(bytes);
  const under = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, tensor]): [string, Tensor] => [name.slice(prefix.length), tensor]),
    );
  return {
    progress: fitProgress.parse(JSON.parse(metadata.get(progressKey) ?? "null")),
    tensors: under(tensorPrefix),
    best: under(bestPrefix),
    bestLogits: floats(tensors, bestLogits),
    logits: floats(tensors, logits),
  };
}
