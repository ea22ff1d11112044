import { z } from "zod";

/** What one look at a picture's content told; enough to audit it without opening it again. */
export const pictureFacts = z.object({
  /** The sample's id. */
  id: z.string(),
  /** SHA-256 of the encoded bytes, lower-case hex. */
  sha256: z.string(),
  /** SHA-256 of the sRGB pixels, upright and reduced as they are looked at, lower-case hex. */
  pixels: z.string(),
  format: z.enum(["jpeg", "png", "webp", "gif", "tiff", "bmp", "avif"]),
  /** As Pillow names modes: L, LA, RGB, RGBA, P, CMYK; `16` is appended for 16-bit channels. */
  mode: z.string(),
  /** Upright, in pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Whether EXIF says that the stored pixels must be turned. */
  turned: z.boolean(),
  /** Standard deviation of the luma, 0 to 127.5. */
  contrast: z.number(),
  /** `perceptualHash`, 16 hex digits. */
  hash: z.string(),
  /** `thumbnail`, base64. */
  thumbnail: z.string(),
});
export type PictureFacts = z.infer<typeof pictureFacts>;

/** A picture that cannot be read, and why. */
export const unreadablePicture = z.object({ id: z.string(), why: z.string() });
export type UnreadablePicture = z.infer<typeof unreadablePicture>;

export function isReadable(facts: PictureFacts | UnreadablePicture): facts is PictureFacts {
  return "sha256" in facts;
}
