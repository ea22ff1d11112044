import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Card, readCard } from "../measure/card.ts";
import { cacheFolder } from "./model-cache.ts";
import { errorCode } from "./write-file.ts";

/** Cards that come with Thaw. */
const shipped = fileURLToPath(new URL("../../assets/cards/", import.meta.url));

/** Where `thaw models card` puts the cards a user makes. */
export function cardFolder(): string {
  return join(cacheFolder(), "cards");
}

/**
 * The reference card of the model with this digest: the user's own if there is one, else the one
 * that comes with Thaw.
 * @throws ThawError `measure/bad-card`
 */
export async function findCard(
  modelSha256: string,
  folders: readonly string[] = [cardFolder(), shipped],
): Promise<Card | undefined> {
  for (const folder of folders) {
    for (const name of await cardsIn(folder)) {
      const path = join(folder, name);
      const card = readCard(await readFile(path, "utf8"), path);
      if (card.modelSha256 === modelSha256) return card;
    }
  }
  return undefined;
}

async function cardsIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(".card.json")).sort();
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return [];
    throw cause;
  }
}
