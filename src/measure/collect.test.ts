import { expect, test } from "vitest";
import type { PictureLoader } from "../data/view.ts";
import type { Cut, Pretrained } from "../models/pretrained.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import { float32 } from "../onnx/tensor.ts";
import { collect } from "./collect.ts";

const side = 4;

/** x -> 2x -> BatchNormalization (mean 1, variance 4) -> Relu, on three channels. */
function tinyNetwork(): Pretrained {
  const build = new GraphBuilder(["image"]);
  const three = (value: number) => build.constant(float32([value, value, value], [3]));
  const doubled = build.add("Mul", ["image", build.scalar(2)], {}, { output: "doubled" });
  const normed = build.add(
    "BatchNormalization",
    [doubled, three(1), three(0), three(1), three(4)],
    {},
    { output: "normed" },
  );
  build.add("Relu", [normed], {}, { output: "features" });
  const shape = ["batch", 3, side, side];
  return {
    name: "tiny",
    model: {
      graph: build.build(
        "tiny",
        [{ name: "image", type: "float32", shape }],
        [{ name: "features", type: "float32", shape }],
      ),
      opsets: new Map([["", 21]]),
      irVersion: 8,
      producer: "test",
      metadata: new Map(),
    },
    input: "image",
    preprocessing: {
      width: side,
      height: side,
      fit: "squash",
      interpolation: "bilinear",
      channels: "rgb",
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    provenance: { spec: "tiny", sha256: "0".repeat(64) },
  };
}

function cut(value: string, dims: readonly number[] = [1, 3, side, side]): Cut {
  return {
    value,
    name: value,
    depth: 0,
    dims,
    parametersBefore: 0,
    parametersAfter: 0,
    flopsBefore: 0,
    flopsAfter: 0,
  };
}

/** Picture i is all i. */
const loader: PictureLoader = {
  dims: [3, side, side],
  load: async (views) =>
    Float32Array.from({ length: views.length * 3 * side * side }, (_, at) => {
      return views[Math.floor(at / (3 * side * side))]?.sample ?? 0;
    }),
  close: async () => undefined,
};

const options = () => ({
  runtime: onnxRuntime,
  pretrained: tinyNetwork(),
  shapes: new Map([["doubled", [1, 3, side, side]]]),
  cuts: [cut("image"), cut("features")],
  loader,
  samples: Array.from({ length: 35 }, (_, sample) => ({ sample, label: sample % 2 })),
});

test("pools every cut and norm over the area, last batch included", async () => {
  const { cuts, embeddings, norms, labels } = await collect(options());
  expect(labels).toHaveLength(35);
  expect(cuts[0]?.features.data[34 * 3]).toBe(34);
  expect(embeddings.data[0]).toBe(0);
  expect(embeddings.data[34 * 3 + 2]).toBeCloseTo((2 * 34 - 1) / 2, 4);
  const moments = norms[0]?.observed.moments();
  expect(moments?.mean[0]).toBeCloseTo(34, 4);
  expect(moments?.variance[1]).toBeCloseTo((4 * (35 ** 2 - 1)) / 12, 2);
});

test("of tokens at the last cut the class token is taken, as a head takes it", async () => {
  const build = new GraphBuilder(["image"]);
  const shape = build.constant({
    type: "int64",
    dims: [3],
    data: new BigInt64Array([-1n, 12n, 4n]),
  });
  build.add("Reshape", ["image", shape], {}, { output: "tokens" });
  const tiny = tinyNetwork();
  const inputs = tiny.model.graph.inputs;
  const declared = { name: "tokens", type: "float32", shape: ["batch", 12, 4] } as const;
  const model = { ...tiny.model, graph: build.build("tokens", [...inputs], [declared]) };
  const { cuts, embeddings } = await collect({
    ...options(),
    pretrained: { ...tiny, model },
    cuts: [cut("tokens", [1, 12, 4]), cut("tokens", [1, 12, 4])],
    loader: {
      ...loader,
      load: async (views) => Float32Array.from({ length: views.length * 48 }, (_, at) => at % 48),
    },
  });
  expect([...(cuts[0]?.features.data.subarray(0, 4) ?? [])]).toEqual([22, 23, 24, 25]);
  expect([...embeddings.data.subarray(0, 4)]).toEqual([0, 1, 2, 3]);
});

test("stops when told to, and refuses an empty sample", async () => {
  await expect(collect({ ...options(), signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  await expect(collect({ ...options(), samples: [] })).rejects.toMatchObject({
    fault: { code: "measure/no-pictures" },
  });
});
