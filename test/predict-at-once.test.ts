import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { load, type Predictor, train } from "../src/index.ts";
import { writeTinyTask } from "./crash/tiny-task.fixture.ts";

let folder: string;
let predictor: Predictor;
let pictures: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-at-once-"));
  const task = await writeTinyTask(folder);
  const out = join(folder, "run");
  const { run } = await train(task.pictures, { model: task.normed, strategy: "head", out });
  predictor = await load(run);
  pictures = Array.from({ length: 20 }, (_, i) =>
    join(task.pictures, `class ${i % 3}`, `${Math.floor(i / 3)}.png`),
  );
});

afterAll(async () => {
  await predictor.close();
  await rm(folder, { recursive: true, force: true });
});

test("twenty predictions at once are those made one by one, from files and from bytes", async () => {
  const alone = [];
  for (const picture of pictures) alone.push(await predictor.predict(picture));
  expect(new Set(alone.map(({ label }) => label)).size).toBeGreaterThan(1);
  expect(await Promise.all(pictures.map((picture) => predictor.predict(picture)))).toEqual(alone);
  const bytes = await Promise.all(pictures.map((picture) => readFile(picture)));
  expect(await Promise.all(bytes.map((picture) => predictor.predict(picture)))).toEqual(alone);
});

test("a picture that cannot be read fails its own prediction and no other", async () => {
  const [first = ""] = pictures;
  const settled = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      predictor.predict(i === 7 ? new Uint8Array([1, 2, 3]) : first),
    ),
  );
  expect(settled.flatMap(({ status }, i) => (status === "rejected" ? [i] : []))).toEqual([7]);
});
