import { copyFile, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { makeFolder } from "./make-folder.ts";
import { cachedFolder } from "./model-cache.ts";

/** Emoji drawn by Twitter (CC-BY 4.0), one small picture each, as an npm package. */
const packageSpec = "emoji-datasource-twitter@16.0.0";
const integrity =
  "sha512-7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==";
const pictureFolder = "img/twitter/64/";

/** Six kinds of thing a person tells apart at a glance. */
const categories: Readonly<Record<string, string>> = {
  "Animals & Nature": "animals",
  "Food & Drink": "food",
  "Travel & Places": "places",
  "Smileys & Emotion": "smileys",
  Objects: "objects",
  Symbols: "symbols",
};
/** Few enough that all classes together stay a small dataset. */
const mostOfOne = 160;

const emojiList = z.array(
  z.object({
    short_name: z.string().regex(/^[\w+-]+$/),
    category: z.string(),
    image: z.string().regex(/^[\w-]+\.png$/),
    has_img_twitter: z.boolean(),
    sort_order: z.number(),
  }),
);

/**
 * Puts real pictures, a folder a class, into an empty folder. They are fetched once.
 * @param images about how many; all of them (930) when absent
 */
export async function copyDemoPictures(into: string, images?: number): Promise<void> {
  const folder = await cachedFolder("demo/emoji-16.0.0", {}, fetchEmoji);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".png")).sort();
  for (const kind of Object.values(categories)) {
    const own = files.filter((name) => name.startsWith(`${kind}__`));
    const wanted =
      images === undefined ? own.length : Math.round((images * own.length) / files.length);
    await makeFolder(join(into, kind));
    for (let at = 0; at < wanted; at++) {
      // Spread over the whole list: neighbours in it look alike.
      const name = own[Math.floor((at * own.length) / wanted)] ?? "";
      await copyFile(join(folder, name), join(into, kind, name.slice(kind.length + 2)));
    }
  }
}

async function fetchEmoji(into: string): Promise<void> {
  const { unpackNpm } = await import("./fetch-npm.ts");
  await unpackNpm(
    packageSpec,
    (inside) =>
      inside === "emoji.json" || (inside.startsWith(pictureFolder) && inside.endsWith(".png"))
        ? inside
        : undefined,
    into,
    { integrity },
  );
  const list = join(into, "emoji.json");
  const emoji = emojiList
    .parse(JSON.parse(await readFile(list, "utf8")))
    .filter((one) => one.has_img_twitter)
    .sort((a, b) => a.sort_order - b.sort_order);
  for (const [category, kind] of Object.entries(categories)) {
    for (const { image, short_name } of emoji
      .filter((one) => one.category === category)
      .slice(0, mostOfOne)) {
      await rename(join(into, image), join(into, `${kind}__${short_name}.png`));
    }
  }
  for (const name of await readdir(into)) {
    if (!name.includes("__")) await rm(join(into, name));
  }
}
