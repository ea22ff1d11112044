import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ReferenceCard, readCard } from "../models/card.ts";
import { cacheFolder } from "./model-cache.ts";

/** Cards that come with Thaw. */
const shipped = fileURLToPath(new URL("../../assets/cards/", import.meta.url));

/** Where `thaw models card` puts the cards a user makes. */
export function cardFolder(): string {
  return join(cacheFolder(), "cards");
}

/**
 * The reference card of the model with this digest: the user's own if there is one, else the one
 * that comes with Thaw.
 * @throws ThawError `models/bad-card`, `models/bad-safetensors`
 */
export async function findCard(
  modelSha256: string,
  folders: readonly string[] = [cardFolder(), shipped],
): Promise<ReferenceCard | undefined> {
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((file) => file.endsWith(".card")).sort()) {
      const card = readCard(new Uint8Array(await readFile(join(folder, name))));
      if (card.header.modelSha256 === modelSha256) return card;
    }
  }
  return undefined;
}
