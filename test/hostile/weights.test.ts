import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { train } from "../../src/job/train.ts";
import { writeModel } from "../../src/onnx/write.ts";
import { type TinyTask, tinyBackbone, ways, writeTinyTask } from "../crash/tiny-task.fixture.ts";

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let task: TinyTask;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-numbers-"));
  task = await writeTinyTask(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const wave = (index: number) => Math.sin(index * 1.7 + index * index * 0.013);

async function trainOn(name: string, weightOf: (index: number) => number, way: string) {
  const model = join(folder, `${name}.onnx`);
  await writeFile(model, writeModel(tinyBackbone(false, weightOf)));
  const run = join(folder, `run ${name}`);
  return train(task.pictures, { ...ways(task)[way], model, out: run }).catch(
    (cause: unknown) => cause,
  );
}

it.each<[string, (index: number) => number]>([
  ["that are no numbers", (i) => (i === 7 ? Number.NaN : wave(i))],
  ["without bound", (i) => (i === 7 ? Number.POSITIVE_INFINITY : wave(i))],
  ["that overflow on the way", (i) => 1e30 * wave(i)],
])("weights %s are told before anything is trained", async (name, weightOf) => {
  const error = await trainOn(name, weightOf, "full");
  expect(error).toMatchObject({ fault: { code: "measure/not-finite" } });
  expect(await readdir(folder)).not.toContain(`run ${name}`);
});

describe("a loss that explodes", () => {
  // Features are finite, their gradients are not.
  const large = (i: number) => 1e10 * wave(i);

  it("stops a forced training with step and batch named, after one try at a lower rate", async () => {
    const error = await trainOn("forced", large, "full");
    expect(error).toMatchObject({
      fault: {
        code: "train/diverged",
        details: {
          epoch: 0,
          step: 0,
          learningRateScale: 0.1,
          samples: expect.arrayContaining([expect.stringMatching(/^class \d\/\d+\.png$/)]),
        },
      },
    });
    const run = join(folder, "run forced");
    expect(await readdir(run)).not.toContain("model.onnx");
    const journal = await readFile(join(run, "journal.ndjson"), "utf8");
    expect(journal.match(/"kind":"diverged"/g)?.length).toBe(2);
  });

  it("drops the trials it happens in, not the run", async () => {
    const result = await trainOn("raced", large, "race");
    expect(result).toMatchObject({ chosen: { strategy: "head" } });
    const journal = await readFile(join(folder, "run raced", "journal.ndjson"), "utf8");
    expect(journal).toMatch(/"kind":"trial".*"losses":\[\]/);
  });
});
