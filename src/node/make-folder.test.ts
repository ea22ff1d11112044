import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "./make-folder.ts";
import { temporaryFolder } from "./pictures.fixture.ts";

it("makes what leads to a folder and leaves what is there", async () => {
  const { root, remove } = await temporaryFolder({ "a/file": "x" });
  const deep = join(root, "a", "b", "c");
  await makeFolder(deep);
  await makeFolder(deep);
  expect((await stat(deep)).isDirectory()).toBe(true);
  await remove();
});

it("refuses a place that takes no folders, a file among the parents and a file in its place", async () => {
  const { root, remove } = await temporaryFolder({ file: "x" });
  const places = [
    join(root, "file"),
    join(root, "file", "b"),
    ...(process.platform === "linux" ? ["/proc/foo"] : []),
  ];
  for (const place of places) {
    await expect(makeFolder(place)).rejects.toMatchObject({ fault: { code: "node/unwritable" } });
  }
  await remove();
});
