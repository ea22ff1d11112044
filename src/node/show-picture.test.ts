import { expect, it } from "vitest";
import type { Dataset } from "../data/dataset.ts";
import { openPictures } from "./picture-source.ts";
import { classFolders, temporaryFolder } from "./pictures.fixture.ts";
import { pictureThumbnails } from "./show-picture.ts";

it("reads each picture once, in the dataset's order", async () => {
  const { root, remove } = await temporaryFolder(await classFolders(["a"], 4));
  const samples = [0, 1, 2, 3].map((number) => ({ id: `a/${number}.png`, label: 0 }));
  const dataset: Dataset = { root, layout: "folders", classes: ["a"], samples };
  const read: string[] = [];
  const source = openPictures(dataset);
  const thumbnails = await pictureThumbnails(dataset, [3, 0, 2, 0, 3], {
    read(sample) {
      read.push(sample.id);
      return source.read(sample);
    },
  });
  expect(read).toEqual(["a/0.png", "a/2.png", "a/3.png"]);
  expect([...thumbnails.keys()]).toEqual([0, 2, 3]);
  for (const uri of thumbnails.values()) expect(uri).toMatch(/^data:image\/jpeg;base64,\/9j\//);
  expect(new Set(thumbnails.values()).size).toBe(3);
  await remove();
});
