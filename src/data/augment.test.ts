import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Preprocessing } from "../models/pretrained.ts";
import { type Augmentation, augmentationRanges, drawAugmentation } from "./augment.ts";
import type { RgbImage } from "./dataset.ts";
import { mixup } from "./mixup.ts";
import { plainGeometry, wideGeometry, writePlain } from "./preprocess.ts";
import { writeAugmented } from "./warp.ts";

const size = 16;
const to: Preprocessing = {
  width: size,
  height: size,
  fit: "squash",
  interpolation: "bilinear",
  channels: "rgb",
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
const identity: Augmentation = {
  crop: { x: 0.5, y: 0.5, width: 1, height: 1 },
  flip: false,
  rotation: 0,
  brightness: 1,
  contrast: 1,
  saturation: 1,
  hue: 0,
};
const image: RgbImage = {
  width: size,
  height: size,
  data: Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 97 + (i >> 4) * 31) % 256),
};
const area = size * size;

const plain = (preprocessing = to) => {
  const out = new Float32Array(3 * area);
  writePlain(image, preprocessing, out, 0);
  return out;
};
const augmented = (view: Partial<Augmentation>, preprocessing = to, of = image) => {
  const out = new Float32Array(3 * area);
  writeAugmented(of, { ...identity, ...view }, preprocessing, out, 0);
  return out;
};
const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);

describe("writePlain", () => {
  it("normalises to planes in the network's channel order", () => {
    const rgb = plain();
    expect(rgb[area + 5]).toBeCloseTo(((image.data[16] ?? 0) / 255 - 0.456) / 0.224, 5);
    const bgr = plain({ ...to, channels: "bgr" });
    expect(bgr[5]).toBeCloseTo(((image.data[17] ?? 0) / 255 - 0.485) / 0.229, 5);
  });
});

describe("writeAugmented", () => {
  it("is the plain view when nothing changes, in both channel orders", () => {
    // The hue matrix is published to three digits.
    expect(farthest(augmented({}), plain())).toBeLessThan(0.01);
    const bgr = { ...to, channels: "bgr" } as const;
    expect(farthest(augmented({}, bgr), plain(bgr))).toBeLessThan(0.01);
  });

  it("mirrors left and right exactly", () => {
    const [straight, flipped] = [augmented({}), augmented({ flip: true })];
    for (let i = 0; i < 3 * area; i++) {
      const mirrored = i - (i % size) + (size - 1 - (i % size));
      expect(flipped[i]).toBeCloseTo(straight[mirrored] ?? Number.NaN, 4);
    }
  });

  it("turns by a quarter exactly", () => {
    const [straight, turned] = [augmented({}), augmented({ rotation: Math.PI / 2 })];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        expect(turned[y * size + x]).toBeCloseTo(
          straight[x * size + (size - 1 - y)] ?? Number.NaN,
          4,
        );
      }
    }
  });

  it("crops the part asked for", () => {
    const quarter = augmented({ crop: { x: 0.75, y: 0.75, width: 0.5, height: 0.5 } });
    const half = size / 2;
    const mean = (values: Float32Array, from: number, to: number) => {
      let sum = 0;
      for (let y = from; y < to; y++)
        for (let x = from; x < to; x++) sum += values[y * size + x] ?? 0;
      return sum / (to - from) ** 2;
    };
    const gradient = { ...image, data: image.data.map((_, i) => Math.floor(i / 3 / size) * 10) };
    const cropped = augmented(
      { crop: { x: 0.75, y: 0.75, width: 0.5, height: 0.5 } },
      to,
      gradient,
    );
    expect(mean(cropped, 0, size)).toBeCloseTo(mean(augmented({}, to, gradient), half, size), 1);
    expect(quarter).not.toEqual(augmented({}));
  });

  it("changes brightness, contrast and saturation as defined", () => {
    const grey = { ...image, data: image.data.map((_, i) => 40 + (Math.floor(i / 3) % 100)) };
    const level = (values: Float32Array, i: number) => ((values[i] ?? 0) * 0.229 + 0.485) * 255;
    const before = augmented({}, to, grey);
    const bright = augmented({ brightness: 1.5 }, to, grey);
    const dull = augmented({ saturation: 0, hue: 1 }, to, grey);
    const flat = augmented({ contrast: 0 }, to, grey);
    for (const i of [0, 7, 99, 200]) {
      expect(level(bright, i)).toBeCloseTo(1.5 * level(before, i), 0);
      expect(level(dull, i)).toBeCloseTo(level(before, i), 0);
      expect(level(flat, i)).toBeCloseTo(level(flat, 0), 3);
    }
  });

  it("erases to the mean colour", () => {
    const out = augmented({ erase: { left: 0.25, top: 0.5, width: 0.5, height: 0.25 } });
    expect(out[8 * size + 4]).toBe(0);
    expect(out[2 * area + 11 * size + 11]).toBe(0);
    expect(out[7 * size + 4]).not.toBe(0);
  });
});

describe("drawAugmentation", () => {
  const strengths = fc.constantFrom("light", "medium", "strong");
  it("stays within its range and on the picture, and repeats itself", () => {
    fc.assert(
      fc.property(
        strengths,
        fc.nat(),
        fc.string(),
        fc.nat(100),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        (strength, seed, id, draw, aspect) => {
          const view = drawAugmentation(strength, seed, id, draw, aspect, true);
          const range = augmentationRanges[strength];
          const { x, y, width, height } = view.crop;
          expect(Math.min(x - width / 2, y - height / 2)).toBeGreaterThanOrEqual(-1e-9);
          expect(Math.max(x + width / 2, y + height / 2)).toBeLessThanOrEqual(1 + 1e-9);
          const stretch = (width / height) * aspect;
          expect(Math.max(stretch, 1 / stretch)).toBeLessThanOrEqual(range.aspect + 1e-9);
          expect(Math.abs(view.rotation)).toBeLessThanOrEqual((range.rotation * Math.PI) / 180);
          expect(Math.abs(view.brightness - 1)).toBeLessThanOrEqual(range.jitter);
          expect(view).toEqual(drawAugmentation(strength, seed, id, draw, aspect, true));
        },
      ),
    );
  });

  it("differs by seed, sample and draw, and flips only when it may", () => {
    const at = (seed: number, id: string, draw: number, flips = true) =>
      drawAugmentation("medium", seed, id, draw, 1, flips);
    expect(
      new Set(
        [at(0, "a", 0), at(1, "a", 0), at(0, "b", 0), at(0, "a", 1)].map((view) => view.rotation),
      ).size,
    ).toBe(4);
    const draws = Array.from({ length: 200 }, (_, draw) => draw);
    const flips = draws.filter((draw) => at(0, "a", draw).flip).length;
    expect(flips).toBeGreaterThan(60);
    expect(flips).toBeLessThan(140);
    expect(draws.some((draw) => at(0, "a", draw, false).flip)).toBe(false);
  });
});

describe("geometry", () => {
  const crop: Preprocessing = { ...to, width: 224, height: 224, fit: "crop", resize: 256 };
  it("is torchvision's Resize and CenterCrop", () => {
    expect(plainGeometry(crop, 500, 333)).toEqual({
      width: 384,
      height: 256,
      crop: { left: 80, top: 16, width: 224, height: 224 },
    });
    expect(plainGeometry(crop, 100, 1000)).toMatchObject({
      width: 256,
      height: 2560,
      crop: { top: 1168 },
    });
    // (257 - 224) / 2 = 16.5: Python rounds half to even.
    expect(plainGeometry({ ...crop, resize: 257 }, 300, 300).crop.left).toBe(16);
  });

  it("always holds the network's input, whatever the picture", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 20_000 }),
        fc.constantFrom("squash", "crop"),
        fc.integer({ min: 1, max: 300 }),
        (width, height, fit, resize) => {
          for (const geometry of [plainGeometry, wideGeometry]) {
            const { crop: cut, ...whole } = geometry(
              { ...crop, width: 60, height: 40, fit, resize },
              width,
              height,
            );
            expect(Math.min(cut.left, cut.top)).toBeGreaterThanOrEqual(0);
            expect(cut.left + cut.width).toBeLessThanOrEqual(whole.width);
            expect(cut.top + cut.height).toBeLessThanOrEqual(whole.height);
            expect(cut.width).toBeGreaterThanOrEqual(60);
            expect(cut.height).toBeGreaterThanOrEqual(40);
          }
        },
      ),
    );
  });
});

describe("mixup", () => {
  const batch = {
    inputs: Float32Array.of(0, 0, 10, 10, 20, 20),
    targets: Float32Array.of(1, 0, 0, 1, 1, 0),
    rows: 3,
  };
  it("mixes inputs and targets by the same share and repeats itself", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(1000),
        fc.double({ min: 0.05, max: 4, noNaN: true }),
        (seed, step, alpha) => {
          const mixed = mixup(batch, alpha, seed, step);
          expect(mixed).toEqual(mixup(batch, alpha, seed, step));
          for (let row = 0; row < 3; row++) {
            expect((mixed.targets[2 * row] ?? 0) + (mixed.targets[2 * row + 1] ?? 0)).toBeCloseTo(
              1,
              5,
            );
          }
          const sum = mixed.inputs.reduce((total, value) => total + value, 0);
          expect(sum).toBeCloseTo(60, 3);
        },
      ),
    );
  });

  it("draws shares as Beta(alpha, alpha) does", () => {
    const pair = { inputs: Float32Array.of(0, 1), targets: Float32Array.of(1, 1), rows: 2 };
    const shares = Array.from(
      { length: 2000 },
      (_, step) => mixup(pair, 0.4, 5, step).inputs[1] ?? 0,
    );
    const moved = shares.filter((share) => share < 1);
    const mean = moved.reduce((sum, share) => sum + share, 0) / moved.length;
    const variance = moved.reduce((sum, share) => sum + (share - mean) ** 2, 0) / moved.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(variance).toBeCloseTo(1 / (4 * (2 * 0.4 + 1)), 1);
  });
});
