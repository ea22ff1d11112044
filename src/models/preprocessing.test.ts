import { describe, expect, it } from "vitest";
import { imagenetPreprocessing, readLabels, readPreprocessing } from "./preprocessing.ts";

const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };

/** What a pixel 0..255 becomes, by Thaw's form. */
function apply(json: unknown, pixel: number) {
  const { mean, std } = readPreprocessing(json) ?? { mean: [0, 0, 0], std: [1, 1, 1] };
  return mean.map((m, c) => (pixel / 255 - m) / (std[c] ?? 1));
}

describe("size and crop", () => {
  it.each([
    [
      "exact size",
      { size: { height: 224, width: 192 } },
      { width: 192, height: 224, fit: "squash" },
    ],
    ["old number", { size: 224 }, { width: 224, height: 224, fit: "squash" }],
    [
      "shortest edge and crop",
      { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 } },
      { width: 224, height: 224, fit: "crop", resize: 256 },
    ],
    [
      "old numbers with a crop",
      { size: 256, crop_size: 224, do_center_crop: true },
      { width: 224, height: 224, fit: "crop", resize: 256 },
    ],
    [
      "ConvNeXt's crop_pct",
      { size: { shortest_edge: 224 }, crop_pct: 0.875 },
      { width: 224, height: 224, fit: "crop", resize: 256 },
    ],
    [
      "crop_pct is ignored from 384 on",
      { size: { shortest_edge: 384 }, crop_pct: 0.875 },
      { width: 384, height: 384, fit: "squash" },
    ],
    [
      "a crop that is switched off",
      {
        size: { height: 224, width: 224 },
        crop_size: { height: 200, width: 200 },
        do_center_crop: false,
      },
      { width: 224, height: 224, fit: "squash" },
    ],
    [
      "timm",
      {
        pretrained_cfg: {
          input_size: [3, 288, 288],
          mean: [0],
          std: [1],
          crop_pct: 0.9,
          interpolation: "bicubic",
        },
      },
      { width: 288, height: 288, fit: "crop", resize: 320, interpolation: "bicubic" },
    ],
  ])("%s", (_, json, expected) => {
    expect(readPreprocessing(json)).toMatchObject(expected);
  });

  it("follows the network's fixed size in the file's proportion", () => {
    const json = { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 } };
    expect(readPreprocessing(json, { width: 112, height: 112 })).toMatchObject({
      width: 112,
      resize: 128,
    });
  });

  it("resizes so far that a crop that is not square fits into every picture", () => {
    const fixed = { width: 320, height: 224 };
    const imagenet = { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 } };
    const input_size = [3, 224, 320];
    expect(imagenetPreprocessing(fixed).resize).toBe(366);
    expect(imagenetPreprocessing({ width: 224, height: 224 }).resize).toBe(256);
    expect(
      [
        imagenet,
        { size: { shortest_edge: 256 }, crop_size: fixed },
        { size: { height: 256, width: 366 }, crop_size: fixed },
        { size: { shortest_edge: 224 }, crop_pct: 0.875 },
        { size: { shortest_edge: 224 } },
        { pretrained_cfg: { input_size, mean: [0], std: [1], crop_pct: 0.875 } },
      ].map((json) => readPreprocessing(json, fixed)),
    ).toEqual(
      [366, 320, 366, 366, 320, 366].map((resize) =>
        expect.objectContaining({ ...fixed, fit: "crop", resize }),
      ),
    );
  });

  it.each([
    [0, "nearest"],
    [1, "lanczos"],
    [2, "bilinear"],
    [3, "bicubic"],
  ])("resample %i is %s", (resample, interpolation) => {
    expect(readPreprocessing({ size: 224, resample })).toMatchObject({ interpolation });
  });
});

describe("normalisation", () => {
  const close = (actual: number[], expected: number[]) =>
    actual.forEach((value, at) => {
      expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 5);
    });

  it("divides by ImageNet's statistics", () => {
    close(apply({ size: 224, ...imagenet }, 255), [0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]);
  });

  it("keeps raw pixels minus a mean, written with a std of 1/255", () => {
    const std = [1 / 255, 1 / 255, 1 / 255];
    close(
      apply({ size: 227, image_mean: [123 / 255, 117 / 255, 104 / 255], image_std: std }, 200),
      [77, 83, 96],
    );
  });

  it("honours other factors, an offset, and steps that are switched off", () => {
    close(apply({ size: 8, do_normalize: false }, 51), [0.2, 0.2, 0.2]);
    close(apply({ size: 8, do_normalize: false, do_rescale: false }, 51), [51, 51, 51]);
    close(
      apply({ size: 8, do_normalize: false, rescale_factor: 1 / 127.5, rescale_offset: true }, 255),
      [1, 1, 1],
    );
    close(
      apply({ size: 8, do_rescale: false, image_mean: [127.5], image_std: [127.5] }, 0),
      [-1, -1, -1],
    );
  });

  it("knows channels in reverse order", () => {
    expect(readPreprocessing({ size: 8, do_flip_channel_order: true })?.channels).toBe("bgr");
  });
});

describe("bad files", () => {
  it.each([
    ["text as mean", { size: 224, image_mean: "0.5" }],
    ["two channels", { size: 224, image_mean: [0.5, 0.5] }],
    ["a negative size", { size: { height: -1, width: 3 } }],
    ["a huge size", { size: 1e9 }],
    ["zero std", { size: 224, image_std: [0, 1, 1] }],
    ["a list", []],
    ["nothing", null],
  ])("refuses %s", (_, json) => {
    expect(() => readPreprocessing(json)).toThrow(
      expect.objectContaining({
        fault: expect.objectContaining({ code: "models/bad-preprocessing" }),
      }),
    );
  });

  it("leaves a file alone that is about something else", () => {
    expect(readPreprocessing({ model_type: "vit" })).toBeUndefined();
  });
});

describe("readLabels", () => {
  it("orders labels by their number", () => {
    expect(readLabels({ id2label: { 1: "bee", 0: "ant", 10: "x" } })).toBeUndefined();
    expect(readLabels({ id2label: { 1: "bee", 0: "ant" } })).toEqual(["ant", "bee"]);
    expect(readLabels({ label_names: ["a", "b"] })).toEqual(["a", "b"]);
    expect(readLabels({ id2label: { __proto__: null, "0": 5 } })).toBeUndefined();
    expect(readLabels("nothing")).toBeUndefined();
  });
});
