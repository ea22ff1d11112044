import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { View } from "../data/view.ts";
import { activationFile } from "../node/activation-file.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { GraphBuilder } from "../onnx/build.ts";
import { writeModel } from "../onnx/write.ts";
import { type ActivationStore, memoryStore } from "./activation-store.ts";
import { type FeatureLoader, fillCache, prefixLoader, rowBytes } from "./boundary-cache.ts";
import { fit } from "./fit.ts";
import { tinyFit, tinyPictures } from "./tiny-task.fixture.ts";

const view = (sample: number, draw = 0): View =>
  draw === 0 ? { sample, strength: "none", draw } : { sample, strength: "light", draw };

/** Three numbers a view that tell which view it is, and a count of the views asked for. */
function countingLoader(): FeatureLoader & { readonly asked: View[] } {
  const asked: View[] = [];
  return {
    dims: [3],
    asked,
    async load(views) {
      asked.push(...views);
      return Float32Array.from(views.flatMap(({ sample, draw }) => [sample, draw, sample / 3]));
    },
  };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-cache-"));
});
afterEach(() => rm(folder, { recursive: true }));

const stores: [string, (bytes: number) => Promise<ActivationStore>][] = [
  ["memory", async (bytes) => memoryStore(bytes)],
  ["a file", (bytes) => activationFile(join(folder, "activations"), bytes)],
];

describe.each(stores)("boundary cache in %s", (_, open) => {
  const views = [view(4), view(1, 1), view(1, 2), view(0), view(7)];

  test("loads every view once and gives rows back in any order", async () => {
    const loader = countingLoader();
    const store = await open(rowBytes([3], "float32"));
    const cached = await fillCache(loader, views, { store, type: "float32", batchSize: 2 });
    expect(loader.asked).toEqual(views);
    const rows = await cached.load([view(7), view(1, 2), view(7)]);
    expect([...rows]).toEqual([
      7,
      0,
      Math.fround(7 / 3),
      1,
      2,
      Math.fround(1 / 3),
      7,
      0,
      Math.fround(7 / 3),
    ]);
    expect(loader.asked).toHaveLength(5);
    await store.close();
  });

  test("float16 rows take half the bytes and differ by rounding only", async () => {
    const store = await open(rowBytes([3], "float16"));
    const options = { store, type: "float16" as const, batchSize: 4 };
    const cached = await fillCache(countingLoader(), views, options);
    const [sample, draw, third] = await cached.load([view(1, 2)]);
    expect([sample, draw]).toEqual([1, 2]);
    expect(third).toBeCloseTo(1 / 3, 3);
    await store.close();
  });

  test("a view that was never cached is refused", async () => {
    const store = await open(rowBytes([3], "float32"));
    const options = { store, type: "float32" as const, batchSize: 2 };
    const cached = await fillCache(countingLoader(), views, options);
    await expect(cached.load([view(1, 3)])).rejects.toThrow("never cached");
    await store.close();
  });
});

test("a file that is opened again is filled from where it was kept", async () => {
  const path = join(folder, "activations");
  const bytes = rowBytes([3], "float32");
  const views = [view(4), view(1, 1), view(1, 2), view(0), view(7)];
  const safe: number[] = [];
  const options = {
    type: "float32" as const,
    batchSize: 2,
    onKept: async (rows: number) => {
      safe.push(rows);
    },
  };
  const first = await activationFile(path, bytes);
  expect(first.rows).toBe(0);
  const whole = await fillCache(countingLoader(), views, { ...options, store: first });
  const expected = await whole.load(views);
  expect(safe).toEqual([5]);
  await first.close();

  for (const [kept, asked] of [
    [3, views.slice(2)],
    [5, views.slice(4)],
  ] as const) {
    const store = await activationFile(path, bytes);
    expect(store.rows).toBe(5);
    const loader = countingLoader();
    const cached = await fillCache(loader, views, { ...options, store, kept });
    expect(loader.asked).toEqual(asked);
    expect(await cached.load(views)).toEqual(expected);
    await store.close();
  }
});

test("memory rows that span several blocks come back", async () => {
  const store = memoryStore(40 * 2 ** 20);
  const row = new Uint8Array(40 * 2 ** 20).fill(3);
  await store.write(2, row);
  const target = new Uint8Array(row.length);
  await store.read(2, target);
  expect(target[row.length - 1]).toBe(3);
});

test("an abort stops the filling between batches", async () => {
  const control = new AbortController();
  const loader = countingLoader();
  const filling = fillCache(loader, [view(0), view(1), view(2), view(3), view(4)], {
    store: memoryStore(12),
    type: "float32",
    batchSize: 1,
    signal: control.signal,
    onProgress: () => control.abort(new Error("stop")),
  });
  await expect(filling).rejects.toThrow("stop");
  expect(loader.asked.length).toBeLessThan(5);
});

test("the prefix gives a picture the same activation whatever it is loaded with", async () => {
  const build = new GraphBuilder(["in", "out"]);
  const weight = Float32Array.from({ length: 6 }, (_, i) => Math.sin(i + 1));
  const product = build.add("MatMul", [
    "in",
    build.constant({ type: "float32", dims: [3, 2], data: weight }),
  ]);
  build.add("Tanh", [product], {}, { output: "out" });
  const graph = build.build(
    "prefix",
    [{ name: "in", type: "float32", shape: ["batch", 3] }],
    [{ name: "out", type: "float32", shape: ["batch", 2] }],
  );
  const session = await onnxRuntime.open(
    writeModel({
      graph,
      opsets: new Map([["", 17]]),
      irVersion: 8,
      producer: "test",
      metadata: new Map(),
    }),
  );
  const prefix = { session, input: "in", output: "out", dims: [2] };
  const loader = prefixLoader(countingLoader(), prefix, 4);
  const together = await loader.load([view(0), view(1), view(2), view(3), view(4), view(5)]);
  for (const sample of [0, 3, 5]) {
    const alone = await loader.load([view(sample)]);
    expect(alone).toEqual(together.slice(sample * 2, sample * 2 + 2));
  }
  expect(together[2]).toBeCloseTo(Math.tanh(Math.sin(1) + Math.sin(5) / 3), 5);
  await session.release();
});

test("training on the cache gives the bytes that training without it gives", async () => {
  const { train, validation, augmentation, views } = tinyFit();
  const cached = await fillCache(
    tinyPictures(3),
    [
      ...train.flatMap(({ sample }) =>
        Array.from({ length: views }, (_, draw) => ({ sample, strength: augmentation, draw })),
      ),
      ...validation.map(({ sample }) => view(sample)),
    ],
    { store: memoryStore(rowBytes([3, 4, 4], "float32")), type: "float32", batchSize: 4 },
  );
  const { weights, history } = await fit(tinyFit({ features: cached }));
  const without = await fit(tinyFit());
  expect(history).toEqual(without.history);
  expect(weights).toEqual(without.weights);
});

test("a truncated cache file and a folder that is not there are told in words", async () => {
  const path = join(folder, "activations");
  const store = await activationFile(path, 8);
  await store.write(0, new Uint8Array(8));
  await truncate(path, 4);
  await expect(store.read(0, new Uint8Array(8))).rejects.toMatchObject({
    fault: { code: "node/unreadable-cache", where: path },
  });
  await store.close();
  await expect(activationFile(join(folder, "none", "file"), 8)).rejects.toMatchObject({
    fault: { code: "node/unwritable" },
  });
});
