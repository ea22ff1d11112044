import { existsSync } from "node:fs";
import sharp from "sharp";
import { afterEach, describe, expect, it } from "vitest";
import { audit, auditDataset } from "../data/audit.ts";
import { isReadable, pictureFacts } from "../data/picture-facts.ts";
import { examinePictures } from "./examine-pictures.ts";
import { openDataset } from "./open-dataset.ts";
import { blobs, classFolders, picture, temporaryFolder } from "./pictures.fixture.ts";

const folders: { remove(): Promise<void> }[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});

async function examine(files: Record<string, Uint8Array | string>) {
  const folder = await temporaryFolder(files);
  folders.push(folder);
  return auditFolder(folder.root);
}

async function auditFolder(root: string) {
  const { dataset, ignored } = await openDataset(root);
  const facts = await examinePictures(dataset);
  for (const entry of facts)
    if (isReadable(entry)) expect(pictureFacts.parse(entry)).toEqual(entry);
  const result = await auditDataset(dataset, facts, ignored);
  expect(audit.parse(JSON.parse(JSON.stringify(result.audit)))).toEqual(result.audit);
  return { ...result, dataset };
}

describe("audit", () => {
  it("finds nothing wrong with different pictures", async () => {
    const { audit, duplicates, unreadable } = await examine(await classFolders(["a", "b"], 12));
    expect(audit).toMatchObject({
      images: 24,
      classes: [
        { name: "a", images: 12 },
        { name: "b", images: 12 },
      ],
      imbalance: 1,
      width: { least: 40, median: 40, most: 40 },
      modes: { RGB: 24 },
      formats: { png: 24 },
    });
    for (const key of [
      "unreadable",
      "wrongExtension",
      "exactDuplicates",
      "nearDuplicates",
      "underTwoClasses",
      "tiny",
      "blank",
      "extremeAspect",
    ] as const) {
      expect(audit[key].total, key).toBe(0);
    }
    expect(duplicates.alike).toEqual([]);
    expect(unreadable.size).toBe(0);
  });

  it("finds copies, copies in another encoding and near copies", async () => {
    const png = await picture(100, 120, 90).png().toBuffer();
    const { audit, dataset, duplicates } = await examine({
      ...(await classFolders(["a", "b"], 6)),
      "a/original.png": png,
      "a/copy.png": png,
      "b/lossless.webp": await sharp(png).webp({ lossless: true }).toBuffer(),
      "b/smaller.jpg": await sharp(png).resize(80, 60).jpeg({ quality: 80 }).toBuffer(),
      "a/brighter.jpg": await sharp(png).modulate({ brightness: 1.1 }).jpeg().toBuffer(),
    });
    expect(audit.exactDuplicates).toEqual({
      total: 1,
      surplus: 2,
      shown: [["a/copy.png", "a/original.png", "b/lossless.webp"]],
    });
    expect(duplicates.alike.map((group) => group.map((i) => dataset.samples[i]?.id))).toEqual([
      ["a/brighter.jpg", "a/copy.png", "a/original.png", "b/lossless.webp", "b/smaller.jpg"],
    ]);
    expect(audit.underTwoClasses).toMatchObject({
      total: 1,
      shown: [{ classes: ["a", "b"], exact: false }],
    });
  });

  it("finds copies across given splits", async () => {
    const pictures = await classFolders(["train/a", "train/b", "test/a", "test/b"], 3);
    const shared = pictures["train/a/0.png"] ?? "";
    const { audit } = await examine({ ...pictures, "test/a/again.png": shared });
    expect(audit.acrossSplits).toEqual({
      total: 1,
      shown: [
        { ids: ["test/a/again.png", "train/a/0.png"], splits: ["test", "train"], exact: true },
      ],
    });
    expect(audit.underTwoClasses.total).toBe(0);
  });

  it("lists unreadable, misnamed, tiny, blank and stretched pictures", async () => {
    const jpeg = await picture(3, 80, 60).jpeg().toBuffer();
    const { audit, unreadable } = await examine({
      ...(await classFolders(["a", "b"], 3)),
      "a/cut.jpg": jpeg.subarray(0, jpeg.length / 2),
      "a/text.png": "not a picture",
      "a/misnamed.png": jpeg,
      "b/tiny.png": await picture(4, 9, 30).png().toBuffer(),
      "b/blank.png": await sharp({
        create: { width: 50, height: 50, channels: 3, background: "#777" },
      })
        .png()
        .toBuffer(),
      "b/wide.png": await picture(5, 400, 40).png().toBuffer(),
      "b/readme.txt": "",
    });
    expect([...unreadable].sort()).toEqual(["a/cut.jpg", "a/text.png"]);
    expect(audit.unreadable.shown.every((entry) => entry.why.length > 10)).toBe(true);
    expect(audit.wrongExtension.shown).toEqual([{ id: "a/misnamed.png", format: "jpeg" }]);
    expect(audit.tiny.shown).toEqual([{ id: "b/tiny.png", width: 9, height: 30 }]);
    expect(audit.blank.shown).toEqual(["b/blank.png"]);
    expect(audit.extremeAspect.shown).toEqual([{ id: "b/wide.png", width: 400, height: 40 }]);
    expect(audit.ignored.shown.map((entry) => entry.path)).toEqual(["b/readme.txt"]);
  });

  it("does not take simple or smooth pictures of one kind for copies", async () => {
    const files: Record<string, Uint8Array> = {};
    for (let i = 0; i < 30; i++) {
      // A vertical edge at nearly the same place, with different faint texture on either side.
      const texture = blobs(1000 + i, 96, 96);
      const scan = texture.map((value, at) => ((at / 3) % 96 < 40 ? 10 : 150) + (value - 80) / 8);
      files[`scan/${i}.png`] = await sharp(scan, { raw: { width: 96, height: 96, channels: 3 } })
        .png()
        .toBuffer();
      const ramp = texture.map((_, at) => ((at / 3) % 96) * (2 + i / 100));
      files[`ramp/${i}.png`] = await sharp(ramp, { raw: { width: 96, height: 96, channels: 3 } })
        .png()
        .toBuffer();
    }
    const { audit } = await examine(files);
    expect(audit.nearDuplicates.total).toBe(0);
  });

  it("fingerprints content and classes, not the order or the time", async () => {
    const files = await classFolders(["a", "b"], 3);
    const print = async (changed: Record<string, Uint8Array>) =>
      (await examine(changed)).audit.fingerprint;
    const first = await print(files);
    expect(await print(Object.fromEntries(Object.entries(files).reverse()))).toBe(first);
    expect(await print({ ...files, "a/0.png": files["a/1.png"] ?? new Uint8Array() })).not.toBe(
      first,
    );
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });

  it("stops when told", async () => {
    const folder = await temporaryFolder(await classFolders(["a", "b"], 10));
    folders.push(folder);
    const { dataset } = await openDataset(folder.root);
    const stop = new AbortController();
    const pass = examinePictures(dataset, {
      signal: stop.signal,
      onProgress: (done) => done === 3 && stop.abort(new Error("enough")),
    });
    await expect(pass).rejects.toThrow("enough");
  });
});

const shared = new URL("../../../shared/data/", import.meta.url).pathname;
describe.skipIf(!existsSync(shared))(
  "audit of real folders (skipped without ../shared/data)",
  () => {
    it("finds six misnamed files and the mixed modes of brain-tumor", async () => {
      const { audit } = await auditFolder(`${shared}brain-tumor`);
      expect(audit.wrongExtension.total).toBe(6);
      expect(audit.modes).toEqual({ RGB: 191, L: 29, RGBA: 5, P: 1 });
      expect(audit.unreadable.total).toBe(0);
    });
  },
);
