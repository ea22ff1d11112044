import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { temporaryFolder } from "../node/pictures.fixture.ts";
import { readFinished } from "./finish.ts";
import { parseOptions, trainOptions } from "./options.ts";
import { createRun, type RunFolder } from "./run-folder.ts";

let run: RunFolder;
let remove: () => Promise<void>;

beforeEach(async () => {
  const folder = await temporaryFolder();
  remove = folder.remove;
  const options = parseOptions(trainOptions, {});
  run = await createRun(join(folder.root, "run"), { folder: folder.root, options });
});
afterEach(() => remove());

it("takes a run without a sound result for unfinished", async () => {
  expect(await readFinished(run)).toBeUndefined();
  await writeFile(run.file("result"), '{"run":');
  expect(await readFinished(run)).toBeUndefined();
});

it("does not take a result that cannot be read for an unfinished run", async () => {
  await mkdir(run.file("result"));
  await expect(readFinished(run)).rejects.toMatchObject({
    fault: { code: "job/unreadable-result", where: run.file("result") },
  });
});
