import type { SizeVerdict } from "./measurement.ts";

/** The most images a dataset may have and still count as small. */
export const smallLimit = 1000;

/** How much data there is: `small` up to 1000 images, `large` above. */
export function measureSize(images: number): SizeVerdict {
  return { images, verdict: images <= smallLimit ? "small" : "large" };
}
