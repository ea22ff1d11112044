/** The encodings Thaw reads. */
export type PictureFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "bmp" | "avif";

const extensions: Readonly<Record<PictureFormat, readonly string[]>> = {
  jpeg: ["jpg", "jpeg", "jpe", "jfif"],
  png: ["png"],
  webp: ["webp"],
  gif: ["gif"],
  tiff: ["tif", "tiff"],
  bmp: ["bmp", "dib"],
  avif: ["avif"],
};

/**
 * The format by the first bytes of the content, whatever the file is called; undefined for
 * anything else, SVG and PDF included.
 */
export function pictureFormat(bytes: Uint8Array): PictureFormat | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 32));
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (/^GIF8[79]a/.test(text)) return "gif";
  if (/^(II[*+]\0|MM\0[*+])/.test(text)) return "tiff";
  if (text.startsWith("BM")) return "bmp";
  if (text.slice(4, 8) === "ftyp" && /avi[fs]|mif1/.test(text.slice(8))) return "avif";
  return undefined;
}

/** Whether an extension (lower case, no dot) is one the format goes by. */
export function extensionFits(extension: string, format: PictureFormat): boolean {
  return extensions[format].includes(extension);
}
