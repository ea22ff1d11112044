import { expect, test } from "vitest";
import { ThawError } from "../errors.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import type { FitState } from "./fit-state.ts";

const state: FitState = {
  progress: {
    epoch: 2,
    step: 3,
    judged: 1,
    epochs: 9,
    sums: { loss: 0.1 + 0.2, hits: 5, rows: 12 },
    learningRateScale: 0.1,
    patience: { bestEpoch: 1, lowest: [1 / 3], waited: 0 },
    history: [
      {
        epoch: 0,
        learningRate: 1e-3,
        trainLoss: 0.7,
        trainAccuracy: 0.5,
        validationLoss: 2 / 3,
        validationAccuracy: 0.25,
      },
    ],
    coefficients: { count: 1, best: 1, objective: 3.25 },
    seconds: 12.5,
  },
  tensors: new Map<string, Tensor>([
    ["step", { type: "int64", dims: [], data: BigInt64Array.of(7n) }],
    ["weight", float32([1.5, -0, Number.NaN, 1e-42], [2, 2])],
  ]),
  best: new Map([["weight", float32([3, 4, 5, 6], [2, 2])]]),
  bestLogits: Float32Array.of(0.5, -0),
  logits: Float32Array.of(1 / 3, Number.POSITIVE_INFINITY),
};

test("a state comes back bit by bit", () => {
  const bytes = Buffer.concat(encodeCheckpoint(state));
  const back = decodeCheckpoint(bytes);
  expect(back.progress).toEqual(state.progress);
  expect(back.best).toEqual(state.best);
  expect(back.bestLogits).toEqual(state.bestLogits);
  expect(back.logits).toEqual(state.logits);
  const pattern = (of: FitState) => {
    const tensor = of.tensors.get("weight");
    return tensor?.type === "float32" ? [...new Uint32Array(tensor.data.slice().buffer)] : [];
  };
  expect(pattern(back)).toEqual(pattern(state));
  expect(back.tensors.get("step")).toEqual(state.tensors.get("step"));
  expect(Buffer.concat(encodeCheckpoint(back))).toEqual(bytes);
});

test("a state before the first validation has no best weights", () => {
  expect(
    decodeCheckpoint(Buffer.concat(encodeCheckpoint({ ...state, best: new Map() }))).best.size,
  ).toBe(0);
});

test("a truncated file and one without counters are refused", () => {
  const bytes = Buffer.concat(encodeCheckpoint(state));
  expect(() => decodeCheckpoint(bytes.subarray(0, bytes.length - 1))).toThrow(ThawError);
  const text = new TextDecoder("latin1").decode(bytes).replace("thaw.progress", "thaw.progresZ");
  const other = Uint8Array.from(text, (character) => character.charCodeAt(0));
  expect(() => decodeCheckpoint(other)).toThrow();
});
