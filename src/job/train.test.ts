import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { classFolders, temporaryFolder } from "../node/pictures.fixture.ts";
import { train } from "./train.ts";

let root: string;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ root, remove } = await temporaryFolder(await classFolders(["pictures/a", "pictures/b"], 8)));
});
afterAll(() => remove());

/** A run with a network that is not there, stopped when a phase begins. */
function stoppedAt(phase: string) {
  const stop = new AbortController();
  const options = { model: join(root, "none.onnx"), out: join(root, "run") };
  return train(join(root, "pictures"), options, {
    signal: stop.signal,
    onEvent: ({ says }) => {
      if (says === phase) stop.abort();
    },
  });
}

it("tells a fault by its own name, also where the run was being stopped", async () => {
  await expect(stoppedAt("Loading the network")).rejects.toMatchObject({
    fault: { code: "node/no-model" },
  });
  expect(await readdir(root)).not.toContain("run");
});

it("tells a stop as a stop, and keeps the run", async () => {
  await expect(stoppedAt("Looking at the pictures")).rejects.toMatchObject({
    fault: { code: "job/stopped" },
  });
  expect(await readdir(root)).toContain("run");
});
