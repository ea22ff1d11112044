import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, describe, expect, it } from "vitest";
import { plainGeometry, writePlain } from "../data/preprocess.ts";
import type { View } from "../data/view.ts";
import { ThawError } from "../errors.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import { openDataset } from "./open-dataset.ts";
import { decodePicture } from "./picture-decoder.ts";
import { openPictureLoader, type PictureLoaderOptions } from "./picture-loader.ts";
import { openPictures } from "./picture-source.ts";
import { classFolders, picture, temporaryFolder } from "./pictures.fixture.ts";
import { PixelStore } from "./pixel-store.ts";
import { ViewRenderer } from "./view-renderer.ts";

const preprocessing: Preprocessing = {
  width: 24,
  height: 24,
  fit: "crop",
  resize: 28,
  interpolation: "bilinear",
  channels: "rgb",
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
};
const rowLength = 3 * 24 * 24;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function dataset(files?: Record<string, Uint8Array | string>) {
  const folder = await temporaryFolder(files ?? (await classFolders(["a", "b"], 6)));
  cleanups.push(folder.remove);
  return (await openDataset(folder.root)).dataset;
}

function open(
  of: Awaited<ReturnType<typeof dataset>>,
  options: Partial<PictureLoaderOptions> = {},
) {
  const loader = openPictureLoader(of, preprocessing, { seed: 3, threads: 2, ...options });
  cleanups.push(() => loader.close());
  return loader;
}

const plain = (sample: number): View => ({ sample, strength: "none", draw: 0 });
const strong = (sample: number, draw: number): View => ({ sample, strength: "strong", draw });

async function reason(promise: Promise<unknown>) {
  return promise.then(
    () => undefined,
    (cause: unknown) => (cause instanceof ThawError ? cause.fault : cause),
  );
}

describe("openPictureLoader", () => {
  it("gives plain views exactly as the preprocessing says, rows in order", async () => {
    const set = await dataset();
    const loader = open(set);
    expect(loader.dims).toEqual([3, 24, 24]);
    const batch = await loader.load([7, 2, 7].map(plain));
    const expected = new Float32Array(3 * rowLength);
    for (const [row, index] of [7, 2, 7].entries()) {
      const sample = set.samples[index] ?? { id: "", label: 0 };
      const bytes = await openPictures(set).read(sample);
      const geometry = (w: number, h: number) => plainGeometry(preprocessing, w, h);
      const image = await decodePicture(bytes, geometry, "bilinear", sample.id);
      writePlain(image, preprocessing, expected, row * rowLength);
    }
    expect(batch).toEqual(expected);
    expect(await loader.load([])).toHaveLength(0);
  });

  it("gives the same bytes in any order and on any number of threads, others for another seed", async () => {
    const set = await dataset();
    const views = [0, 5, 11, 3].flatMap((sample) => [
      strong(sample, 0),
      strong(sample, 1),
      plain(sample),
    ]);
    const reference = await open(set, { threads: 1 }).load(views);
    const rows = (batch: Float32Array) =>
      Array.from({ length: batch.length / rowLength }, (_, i) =>
        batch.slice(i * rowLength, (i + 1) * rowLength),
      );
    expect(new Set(rows(reference).map((row) => row.join())).size).toBe(views.length);
    const loader = open(set, { threads: 3 });
    const ahead = [loader.load(views), loader.load(views.toReversed()), loader.load(views)];
    const [first, second, third] = await Promise.all(ahead);
    expect(first).toEqual(reference);
    expect(third).toEqual(reference);
    expect(rows(second ?? new Float32Array())).toEqual(rows(reference).toReversed());
    expect(await open(set, { seed: 4, threads: 1 }).load(views)).not.toEqual(reference);
  });

  it("reads pictures out of parquet", async () => {
    const pngs = await Promise.all([1, 2, 3].map((n) => picture(n).png().toBuffer()));
    const parquet = parquetWriteBuffer({
      schema: [
        { name: "root", num_children: 2 },
        { name: "image", num_children: 1, repetition_type: "OPTIONAL" },
        { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
        { name: "label", type: "INT64", repetition_type: "OPTIONAL" },
      ],
      columnData: [
        { name: "image", data: pngs.map((bytes) => ({ bytes: new Uint8Array(bytes) })) },
        { name: "label", data: [0n, 1n, 0n] },
      ],
      rowGroupSize: 2,
    });
    const fromParquet = await dataset({ "train.parquet": new Uint8Array(parquet) });
    const fromFiles = await dataset(Object.fromEntries(pngs.map((png, i) => [`${i}/p.png`, png])));
    const views = [2, 0, 1].map(plain);
    expect(await open(fromParquet).load(views)).toEqual(await open(fromFiles).load(views));
  });

  it("goes on while the caller's thread is busy", async () => {
    const set = await dataset();
    const loader = open(set);
    await loader.load([plain(0), plain(1)]);
    const shared = loader.load(set.samples.map((_, i) => plain(i)));
    const until = performance.now() + 300;
    while (performance.now() < until);
    expect(await shared).toHaveLength(12 * rowLength);
  });

  it("names the picture it cannot read and goes on with others", async () => {
    const set = await dataset({
      ...(await classFolders(["a", "b"], 2)),
      "b/broken.png": "nothing",
    });
    const broken = set.samples.findIndex((sample) => sample.id === "b/broken.png");
    const loader = open(set);
    const [bad, good] = await Promise.all([
      reason(loader.load([plain(0), plain(broken)])),
      loader.load([plain(0)]),
    ]);
    expect(bad).toMatchObject({ code: "data/unreadable-picture", where: "b/broken.png" });
    expect(good).toHaveLength(rowLength);
  });

  it("reports a file that vanished", async () => {
    const set = await dataset();
    await rm(join(set.root, set.samples[4]?.id ?? ""));
    expect(await reason(open(set).load([plain(4)]))).toMatchObject({ code: "data/missing" });
  });

  it("rejects what is under way when closed or aborted", async () => {
    const set = await dataset();
    const closing = open(set);
    const waiting = reason(closing.load([plain(0)]));
    await closing.close();
    expect(await waiting).toMatchObject({ code: "node/picture-loader-closed" });
    expect(await reason(closing.load([plain(0)]))).toMatchObject({
      code: "node/picture-loader-closed",
    });
    const stop = new AbortController();
    const aborted = open(set, { signal: stop.signal });
    const running = reason(aborted.load([plain(0)]));
    stop.abort("enough");
    expect(await running).toBe("enough");
    expect(await reason(aborted.load([plain(0)]))).toBe("enough");
  });

  it("turns the death of a thread into a typed error", async () => {
    const set = await dataset();
    const loader = openPictureLoader(
      set,
      { ...preprocessing, mean: undefined as never },
      { seed: 0 },
    );
    cleanups.push(() => loader.close());
    expect(await reason(loader.load([plain(0)]))).toMatchObject({
      code: "node/picture-thread-died",
    });
  });
});

describe("ViewRenderer", () => {
  it("gives the same bytes from its file and decoding every time", async () => {
    const set = await dataset();
    const render = async (keptBytes: number, folder?: string) => {
      const ids = set.samples.map((sample) => sample.id);
      const setup = { dataset: set, ids, preprocessing, seed: 1, flips: true };
      const renderer = new ViewRenderer({ ...setup, keptBytes, folder });
      const out = new Float32Array(4 * rowLength);
      for (const [row, view] of [strong(3, 0), plain(3), strong(3, 1), plain(3)].entries()) {
        await renderer.render(view, out, row * rowLength);
      }
      renderer.close();
      return out;
    };
    const reference = await render(0);
    expect(await render(1e6)).toEqual(reference);
    expect(await render(1e6, "/nowhere/at/all")).toEqual(reference);
  });
});

describe("PixelStore", () => {
  const image = (value: number) => ({ width: 4, height: 2, data: new Uint8Array(24).fill(value) });

  it("keeps pictures in a file without a name up to its limit", async () => {
    const folder = await temporaryFolder();
    cleanups.push(folder.remove);
    const store = new PixelStore(100, folder.root);
    for (let i = 0; i < 6; i++) store.put(i, image(i));
    expect([0, 1, 2, 3].map((i) => store.get(i))).toEqual([0, 1, 2, 3].map(image));
    expect([4, 5].map((i) => store.get(i))).toEqual([undefined, undefined]);
    expect(readdirSync(folder.root)).toEqual([]);
    store.close();
    expect(store.get(0)).toBeUndefined();
  });
});
