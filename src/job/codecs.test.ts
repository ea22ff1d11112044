import { expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { fitLinearProbe } from "../train/linear-probe.ts";
import { probeStateCodec } from "./codecs.ts";

test("a linear probe resumed from any of its states ends with the same bytes", async () => {
  const rows = 60;
  const labels = Uint32Array.from({ length: rows }, (_, row) => row % 3);
  const features = Float32Array.from({ length: rows * 5 }, (_, at) =>
    Math.sin(at * at * 0.7 + (labels[Math.floor(at / 5)] ?? 0) * (at % 5)),
  );
  const data = { features, labels };
  const options = { runtime: onnxRuntime, threads: 1, classes: 3, train: data, validation: data };
  const states: Buffer[] = [];
  const whole = await fitLinearProbe({
    ...options,
    checkpointSeconds: 0,
    onCheckpoint: async (state) => {
      states.push(Buffer.concat(probeStateCodec.encode(state)));
    },
  });
  expect(states.length).toBeGreaterThan(8);
  for (const state of states) {
    const resumeFrom = await probeStateCodec.decode(state);
    expect(await fitLinearProbe({ ...options, resumeFrom })).toEqual(whole);
  }
});
