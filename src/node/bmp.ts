import { decode } from "bmp-ts";

/** What the header of a BMP file says, in pixels; `mode` as Pillow would name it. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly mode: "L" | "P" | "RGB";
}

interface Layout extends BmpHeader {
  readonly bits: number;
}

/**
 * Reads and checks the header; the decoder behind it trusts what it finds.
 * @throws Error when the header contradicts itself or the file's length
 */
export function bmpHeader(bytes: Uint8Array, mostPixels: number): BmpHeader {
  return checked(bytes, mostPixels);
}

/**
 * Decodes an uncompressed BMP of 1, 4, 8, 16, 24 or 32 bits to interleaved RGB. The fourth byte
 * of 32-bit files is filler more often than transparency and is ignored, as browsers do.
 * @throws Error as `bmpHeader`
 */
export function decodeBmp(bytes: Uint8Array, mostPixels: number) {
  const { width, height } = checked(bytes, mostPixels);
  const abgr = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = abgr[from + 3] ?? 0;
    data[to + 1] = abgr[from + 2] ?? 0;
    data[to + 2] = abgr[from + 1] ?? 0;
  }
  return { width, height, data };
}

const headerSizes = [40, 52, 56, 108, 124];
const plain = 0;
const bitFields = 3;

function checked(bytes: Uint8Array, mostPixels: number): Layout {
  if (bytes.length < 54) throw new Error("the BMP file is truncated");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(10, true);
  const headerSize = view.getUint32(14, true);
  const width = view.getInt32(18, true);
  const height = Math.abs(view.getInt32(22, true));
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  const colours = view.getUint32(46, true);
  if (!headerSizes.includes(headerSize))
    throw new Error("this kind of BMP header is not supported");
  if (width < 1 || height < 1) throw new Error("the BMP header gives no size");
  if (width * height > mostPixels) throw new Error("the BMP exceeds the pixel limit");
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw new Error("the BMP has an unknown bit depth");
  if (compression !== plain && !(compression === bitFields && bits >= 16)) {
    throw new Error("compressed BMP files are not supported; save it as PNG");
  }
  const masks = compression === bitFields && headerSize === 40 ? 12 : 0;
  const table = bits <= 8 ? colours || 1 << bits : colours;
  if (table > 256) throw new Error("the BMP colour table is too large");
  if (start !== 14 + headerSize + masks + 4 * table) {
    throw new Error("the BMP pixels do not follow the header");
  }
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (start + rowBytes * height > bytes.length) throw new Error("the BMP file is truncated");
  const palette = bytes.subarray(14 + headerSize + masks, start);
  return { width, height, bits, mode: bits > 8 ? "RGB" : isGrey(palette) ? "L" : "P" };
}

function isGrey(palette: Uint8Array): boolean {
  for (let i = 0; i + 2 < palette.length; i += 4) {
    if (palette[i] !== palette[i + 1] || palette[i] !== palette[i + 2]) return false;
  }
  return true;
}
