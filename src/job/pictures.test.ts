import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { classFolders, temporaryFolder } from "../node/pictures.fixture.ts";
import { inspectOptions, parseOptions } from "./options.ts";
import { readPictures } from "./pictures.ts";
import { checkSamePictures } from "./same-pictures.ts";
import { openSteps } from "./steps.ts";

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

it("a resumed run finds its pictures as it left them, on the same sides", async () => {
  const steps = await openSteps(join(root, "checkpoint"), () => undefined);
  const sides = ["train", "val", "test", "train", "train", "train"];
  const begun = await listed("split", (_, i) => sides[i] ?? "");
  expect(await checkSamePictures(begun, steps, false, root)).toBe(false);
  expect(await checkSamePictures(begun, steps, false, root)).toBe(false);

  const moved = await listed("split", (name, i) => sides[name === "a" && i < 2 ? 1 - i : i] ?? "");
  await expect(checkSamePictures(moved, steps, false, root)).rejects.toMatchObject({
    fault: {
      code: "job/dataset-changed",
      details: { differences: ["2 pictures stand on another side of the split"] },
    },
  });
  expect(await checkSamePictures(moved, steps, true, root)).toBe(true);

  const turned = {
    ...begun,
    dataset: { ...begun.dataset, samples: begun.dataset.samples.toReversed() },
    digests: begun.digests.toReversed(),
    sides: begun.sides.toReversed(),
  };
  await expect(checkSamePictures(turned, steps, false, root)).rejects.toMatchObject({
    fault: { details: { differences: ["the pictures are listed in another order"] } },
  });
});
