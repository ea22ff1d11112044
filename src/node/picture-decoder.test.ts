import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import type { Geometry } from "../data/preprocess.ts";
import { ThawError } from "../errors.ts";
import { decodePicture, readHeader } from "./picture-decoder.ts";
import { blobs, picture } from "./pictures.fixture.ts";

const asIs = (width: number, height: number): Geometry => ({
  width,
  height,
  crop: { left: 0, top: 0, width, height },
});
const decode = (bytes: Uint8Array) => decodePicture(bytes, asIs, "bilinear", "x");

/** Mean absolute difference, in levels. */
const apart = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? Number.NaN)), 0) / a.length;

async function refusal(bytes: Uint8Array) {
  const error = await decode(bytes).catch((cause: unknown) => cause);
  if (!(error instanceof ThawError)) throw new Error(`no ThawError but ${String(error)}`);
  return error.fault;
}

/** An uncompressed BMP, bottom row first unless `topDown`. */
function bmp(rgb: Uint8Array, width: number, height: number, bits: 8 | 24 | 32, topDown = false) {
  const row = Math.ceil((width * bits) / 32) * 4;
  const start = 54 + (bits === 8 ? 1024 : 0);
  const bytes = new Uint8Array(start + row * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, start, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, topDown ? -height : height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, bits, true);
  for (let i = 0; i < 256 && bits === 8; i++) bytes.set([i, i, i, 0], 54 + 4 * i);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x);
      const at = start + (topDown ? y : height - 1 - y) * row + (x * bits) / 8;
      const [r = 0, g = 0, b = 0] = rgb.subarray(from, from + 3);
      bytes.set(bits === 8 ? [r] : bits === 24 ? [b, g, r] : [b, g, r, 0], at);
    }
  }
  return bytes;
}

describe("decodePicture", () => {
  it.each([
    ["png", picture(1).png(), 0],
    ["webp", picture(1).webp({ lossless: true }), 0],
    ["tiff", picture(1).tiff({ compression: "lzw" }), 0],
    ["jpeg", picture(1).jpeg({ quality: 95 }), 3],
    ["avif", picture(1).avif({ quality: 80 }), 4],
    ["gif", picture(1).gif(), 12],
  ] as const)("reads %s", async (format, encoder, tolerance) => {
    const image = await decode(await encoder.toBuffer());
    expect(image.header).toMatchObject({ format, width: 64, height: 48, turned: false });
    expect(apart(image.data, blobs(1))).toBeLessThanOrEqual(tolerance);
  });

  it.each([
    [24, false],
    [24, true],
    [32, false],
    [32, true],
  ] as const)("reads BMP of %i bits, top down: %s", async (bits, topDown) => {
    const image = await decode(bmp(blobs(2, 63, 20), 63, 20, bits, topDown));
    expect(image).toMatchObject({ width: 63, height: 20, header: { format: "bmp", mode: "RGB" } });
    expect(apart(image.data, blobs(2, 63, 20))).toBe(0);
  });

  it("reads grey BMP with a colour table", async () => {
    const grey = blobs(3, 30, 10).map((_, i) => (Math.floor(i / 3) * 7) % 256);
    const image = await decode(bmp(grey, 30, 10, 8));
    expect(image.header.mode).toBe("L");
    expect(apart(image.data, grey)).toBe(0);
  });

  it("names the modes", async () => {
    const mode = async (encoder: Sharp) => (await readHeader(await encoder.toBuffer(), "x")).mode;
    expect(await mode(picture(1).png())).toBe("RGB");
    expect(await mode(picture(1).ensureAlpha(0.5).png())).toBe("RGBA");
    expect(await mode(picture(1).png({ palette: true }))).toBe("P");
    expect(await mode(picture(1).toColourspace("b-w").jpeg())).toBe("L");
    expect(await mode(picture(1).toColourspace("b-w").ensureAlpha(0.5).png())).toBe("LA");
    expect(await mode(picture(1).toColourspace("cmyk").jpeg())).toBe("CMYK");
    expect(await mode(picture(1).toColourspace("rgb16").png())).toBe("RGB16");
    expect(await mode(picture(1).toColourspace("grey16").png())).toBe("L16");
  });

  it("brings every mode to 8-bit RGB, transparency over white", async () => {
    const wide = await decode(await picture(1).toColourspace("rgb16").png().toBuffer());
    expect(apart(wide.data, blobs(1))).toBeLessThan(1);
    const grey = await decode(await picture(1).toColourspace("b-w").png().toBuffer());
    expect(grey.data).toHaveLength(64 * 48 * 3);
    expect(grey.data[0]).toBe(grey.data[1]);
    const grey16 = await decode(await picture(1).toColourspace("grey16").png().toBuffer());
    expect(apart(grey16.data, grey.data)).toBeLessThan(2);
    const cmyk = await decode(
      await picture(1).toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer(),
    );
    expect(apart(cmyk.data, blobs(1))).toBeLessThan(25);
    const clear = sharp({ create: { width: 4, height: 4, channels: 4, background: "#00000000" } });
    expect(new Set((await decode(await clear.png().toBuffer())).data)).toEqual(new Set([255]));
  });

  it("stands pictures upright", async () => {
    const turned = await picture(1).png().withMetadata({ orientation: 6 }).toBuffer();
    const image = await decode(turned);
    expect(image.header).toMatchObject({ width: 48, height: 64, turned: true });
    const expected = await picture(1).rotate(90).raw().toBuffer();
    expect(apart(image.data, expected)).toBe(0);
  });

  it("takes the first frame of an animation", async () => {
    const frames = await Promise.all([4, 5].map((n) => picture(n).png().toBuffer()));
    const animated = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const image = await decode(animated);
    expect([image.width, image.height]).toEqual([64, 48]);
    expect(apart(image.data, blobs(4))).toBeLessThan(12);
  });

  it("resizes and crops as told", async () => {
    const geometry = () => ({
      width: 32,
      height: 24,
      crop: { left: 5, top: 3, width: 20, height: 10 },
    });
    const image = await decodePicture(await picture(1).png().toBuffer(), geometry, "bilinear", "x");
    const expected = await picture(1)
      .resize(32, 24, { fit: "fill", kernel: "linear" })
      .extract({ left: 5, top: 3, width: 20, height: 10 })
      .raw()
      .toBuffer();
    expect(apart(image.data, expected)).toBe(0);
  });
});

describe("hostile pictures", () => {
  it("refuses what is no picture, SVG included", async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>';
    for (const text of ["", "hello", svg, `<?xml version="1.0"?>${svg}`, "%PDF-1.4"]) {
      expect((await refusal(new TextEncoder().encode(text))).code).toBe("data/unreadable-picture");
    }
  });

  it("refuses truncated pictures of every format", async () => {
    const whole = [
      picture(1).png(),
      picture(1).jpeg(),
      picture(1).webp({ lossless: true }),
      picture(1).tiff(),
      picture(1).avif(),
    ];
    for (const encoder of whole) {
      const bytes = await encoder.toBuffer();
      expect((await refusal(bytes.subarray(0, bytes.length * 0.6))).code).toBe(
        "data/unreadable-picture",
      );
    }
    const bytes = bmp(blobs(1), 64, 48, 24);
    expect((await refusal(bytes.subarray(0, 2000))).what).toContain("truncated");
  });

  it("refuses decompression bombs by their header", async () => {
    const png = await picture(1).png().toBuffer();
    const bomb = new DataView(png.buffer.slice(png.byteOffset, png.byteOffset + png.length));
    bomb.setUint32(16, 40_000);
    bomb.setUint32(20, 40_000);
    expect((await refusal(new Uint8Array(bomb.buffer))).code).toBe("data/unreadable-picture");
    const big = bmp(blobs(1), 64, 48, 24);
    new DataView(big.buffer).setInt32(18, 2_000_000_000, true);
    expect((await refusal(big)).what).toContain("pixel limit");
  });

  it("ends in pixels or a typed error, whatever is damaged", async () => {
    const wholes = [
      bmp(blobs(1), 64, 48, 8),
      bmp(blobs(1), 64, 48, 24),
      await picture(1).png().toBuffer(),
      await picture(1).jpeg().toBuffer(),
      await picture(1).gif().toBuffer(),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...wholes),
        fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 5,
        }),
        async (whole, changes) => {
          const bytes = Uint8Array.from(whole);
          for (const [at, value] of changes) bytes[at % Math.min(bytes.length, 200)] = value;
          const result = await decode(bytes).catch((cause: unknown) => cause);
          if (result instanceof Error && !(result instanceof ThawError)) throw result;
        },
      ),
      { numRuns: 150 },
    );
  });
});
