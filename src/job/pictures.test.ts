import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { classFolders, temporaryFolder } from "../node/pictures.fixture.ts";
import { inspectOptions, parseOptions } from "./options.ts";
import { readPictures } from "./pictures.ts";

let root: string;
let remove: () => Promise<void>;
let manifest: string;
const options = parseOptions(inspectOptions, {});

beforeAll(async () => {
  ({ root, remove } = await temporaryFolder(await classFolders(["a", "b"], 6)));
  manifest = join(root, "manifest.csv");
});
afterAll(() => remove());

/** The pictures as a manifest lists them, with one more cell in each row. */
async function listed(column: string, cell: (name: string, number: number) => string) {
  const rows = ["a", "b"].flatMap((name) =>
    Array.from({ length: 6 }, (_, i) => `${name}/${i}.png,${name},${cell(name, i)}`),
  );
  await writeFile(manifest, [`path,label,${column}`, ...rows].join("\n"));
  return readPictures(manifest, options, {});
}

it("refuses pictures whose groups leave nothing to validate on", async () => {
  await expect(listed("group", (name) => name)).rejects.toMatchObject({
    fault: { code: "data/one-sided-split" },
  });
});
