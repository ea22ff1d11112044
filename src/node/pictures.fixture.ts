import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { randomFor } from "../data/random.ts";

/** A fresh folder with these files; contents by relative path. */
export async function temporaryFolder(files: Readonly<Record<string, Uint8Array | string>> = {}) {
  const root = await mkdtemp(join(tmpdir(), "thaw-test-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}

/** Soft coloured blobs: distinct for every number, smooth enough to survive encoding. */
export function blobs(number: number, width = 64, height = 48): Uint8Array {
  const random = randomFor("blobs", number);
  const waves = Array.from({ length: 12 }, () => ({
    x: random.between(1, 9) * (random.chance(0.5) ? 1 : -1),
    y: random.between(1, 9),
    phase: random.between(0, 6.3),
    channel: random.integer(0, 2),
  }));
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [u, v] = [(i % width) / width, Math.floor(i / width) / height];
    for (const { x, y, phase, channel } of waves) {
      const at = 3 * i + channel;
      data[at] = (data[at] ?? 0) + 20 + 20 * Math.sin(x * 3 * u + y * 3 * v + phase);
    }
  }
  return data;
}

/** An encoder over `blobs`. */
export function picture(number: number, width = 64, height = 48): Sharp {
  return sharp(blobs(number, width, height), { raw: { width, height, channels: 3 } });
}

/** `count` different PNG pictures in each of these class folders. */
export async function classFolders(
  classes: readonly string[],
  count: number,
  size = 40,
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  let number = 0;
  for (const name of classes) {
    for (let i = 0; i < count; i++) {
      files[`${name}/${i}.png`] = await picture(number++, size, size).png().toBuffer();
    }
  }
  return files;
}
