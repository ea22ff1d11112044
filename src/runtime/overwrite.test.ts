import { expect, test } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import { openOverwriting } from "./overwrite.ts";
import type { Runtime } from "./session.ts";

/** Doubles x and halves it, as two outputs. */
function network(): Uint8Array {
  const build = new GraphBuilder(["x", "double", "half"]);
  build.add("Mul", ["x", build.scalar(2)], {}, { output: "double" });
  build.add("Div", ["x", build.scalar(2)], {}, { output: "half" });
  const outputs = [floats("double", [3]), floats("half", [3])];
  return writeModel(modelOf(build.build("network", [floats("x", [3])], outputs)));
}

/** The runtime, with a count of the runs that returned arrays of their own. */
function counting(takes: (model: Uint8Array) => boolean) {
  const count = { returned: 0 };
  const runtime: Runtime = {
    async open(model, options) {
      if (!takes(model)) throw new Error("refused");
      const session = await onnxRuntime.open(model, options);
      return {
        ...session,
        async run(feeds, fetch) {
          const outputs = await session.run(feeds, fetch);
          count.returned++;
          return outputs;
        },
      };
    },
  };
  return { runtime, count };
}

test.each([
  ["nothing is returned beside them", () => true, 0],
  [
    "they are also returned where a runtime takes no sequences",
    (model: Uint8Array) => !new TextDecoder().decode(model).includes("Sequence"),
    2,
  ],
])("outputs are written where they are told to; %s", async (_, takes, returned) => {
  const { runtime, count } = counting(takes);
  const session = await openOverwriting(runtime, network(), { threads: 1 });
  const x = float32([1, 2, 3], [3]);
  const half = float32([0, 0, 0], [3]);
  await session.run({ x }, { double: x, half });
  await session.run({ x }, { half });
  await session.release();
  expect([...x.data]).toEqual([2, 4, 6]);
  expect([...half.data]).toEqual([1, 2, 3]);
  expect(count.returned).toBe(returned);
});

test("a run that fails says so", async () => {
  const session = await openOverwriting(onnxRuntime, network(), { threads: 1 });
  const x = float32([1, 2], [2]);
  await expect(session.run({ x }, { double: x })).rejects.toMatchObject({
    fault: { code: "runtime/run-failed" },
  });
  await session.release();
});
