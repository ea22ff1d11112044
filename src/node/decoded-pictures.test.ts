import { afterEach, describe, expect, it } from "vitest";
import { plainGeometry, wideGeometry } from "../data/preprocess.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import { cutOut, DecodedPictures } from "./decoded-pictures.ts";
import { examinePictures } from "./examine-pictures.ts";
import { openDataset } from "./open-dataset.ts";
import { decodePicture } from "./picture-decoder.ts";
import { openPictures } from "./picture-source.ts";
import { picture, temporaryFolder } from "./pictures.fixture.ts";

const preprocessing: Preprocessing = {
  width: 224,
  height: 224,
  fit: "crop",
  resize: 256,
  interpolation: "bilinear",
  channels: "rgb",
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
};

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function examined() {
  const folder = await temporaryFolder({
    "a/wide.jpg": await picture(1, 612, 407).jpeg().toBuffer(),
    "a/tall.jpg": await picture(2, 300, 511).jpeg().toBuffer(),
    "b/square.png": await picture(3, 256, 256).png().toBuffer(),
    "b/small.png": await picture(4, 90, 80).png().toBuffer(),
    "b/ribbon.png": await picture(5, 1500, 300).png().toBuffer(),
  });
  const decoded = new DecodedPictures();
  cleanups.push(
    () => folder.remove(),
    () => decoded.close(),
  );
  const { dataset } = await openDataset(folder.root);
  const facts = await examinePictures(dataset, { decoded });
  return { dataset, decoded, facts };
}

describe("DecodedPictures", () => {
  it.each([plainGeometry, wideGeometry])(
    "gives the pixels that decoding gives (%o)",
    async (of) => {
      const { dataset, decoded } = await examined();
      const shared = decoded.shared();
      if (shared === undefined) throw new TypeError("nothing was kept");
      const geometry = (width: number, height: number) => of(preprocessing, width, height);
      const kept: string[] = [];
      for (const sample of dataset.samples) {
        const cut = cutOut(shared, sample.id, geometry, "bilinear");
        if (cut === undefined) continue;
        kept.push(sample.id);
        const bytes = await openPictures(dataset).read(sample);
        const { header: _, ...image } = await decodePicture(bytes, geometry, "bilinear", sample.id);
        expect({ ...cut, data: Buffer.from(cut.data) }).toEqual({
          ...image,
          data: Buffer.from(image.data),
        });
      }
      expect(kept.sort()).toEqual(["a/tall.jpg", "a/wide.jpg", "b/square.png"]);
    },
  );

  it("gives nothing for another size or interpolation, or once it is closed", async () => {
    const { decoded } = await examined();
    const shared = decoded.shared();
    if (shared === undefined) throw new TypeError("nothing was kept");
    const cut = (resize: number, interpolation: Preprocessing["interpolation"]) =>
      cutOut(
        shared,
        "a/wide.jpg",
        (width, height) => plainGeometry({ ...preprocessing, resize }, width, height),
        interpolation,
      );
    expect(cut(256, "bilinear")).toBeDefined();
    expect(cut(232, "bilinear")).toBeUndefined();
    expect(cut(256, "bicubic")).toBeUndefined();
    decoded.close();
    expect(decoded.shared()).toBeUndefined();
    expect(cut(256, "bilinear")).toBeUndefined();
  });

  it("says the same of a picture whether it is kept or not", async () => {
    const { dataset, facts } = await examined();
    expect(await examinePictures(dataset)).toEqual(facts);
  });
});
