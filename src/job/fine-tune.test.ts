import { resolve } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { PictureLoader } from "../data/view.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { blobs, temporaryFolder } from "../node/pictures.fixture.ts";
import type { Plan } from "../plan/plan.ts";
import { fitLinearProbe } from "../train/linear-probe.ts";
import type { AfterProbe } from "./attempt.ts";
import { tabulateFeatures } from "./features.ts";
import { fineTune } from "./fine-tune.ts";
import { openLoader, planFor } from "./inspect.ts";
import { openNetwork } from "./network.ts";
import { parseOptions, trainOptions } from "./options.ts";
import { readPictures } from "./pictures.ts";
import { openSteps, type Steps } from "./steps.ts";
import { survey } from "./survey.ts";
import { layOut } from "./workbench.ts";

/** Blobs of which one colour channel is brighter than the others. */
function tinted(channel: number, number: number): Promise<Buffer> {
  const [width, height] = [40, 40];
  const data = blobs(number, width, height).map((value, at) =>
    at % 3 === channel ? Math.min(255, value + 60) : value,
  );
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

let plan: Plan;
let given: AfterProbe;
let loader: PictureLoader;
let remove: () => Promise<void>;
const logged: object[] = [];

beforeAll(async () => {
  const files: Record<string, Buffer> = {};
  for (let number = 0; number < 40; number++) {
    files[`blue/${number}.png`] = await tinted(2, number);
    files[`red/${number}.png`] = await tinted(0, 100 + number);
  }
  const folder = await temporaryFolder(files);
  const { root } = folder;
  remove = folder.remove;
  const options = parseOptions(trainOptions, {
    model: resolve(import.meta.dirname, "../../test/fixtures/golden/resnet.onnx"),
    valFraction: 0.4,
    testFraction: 0.1,
    epochs: 2,
  });
  const pictures = await readPictures(root, options, {});
  const network = await openNetwork(options, {});
  loader = openLoader(pictures, network, options, {});
  const { measured, known } = await survey(pictures, network, loader, options, {});
  plan = { ...planFor(pictures, network, measured, options), check: "race" };
  const bench = layOut(pictures, network, loader, plan, {
    seed: 0,
    memoryMB: 16,
    fileBytes: 0,
    scratch: `${root}/scratch`,
  });
  const steps = await openSteps(`${root}/checkpoint`, () => undefined);
  const features = await tabulateFeatures(bench, known, steps, {});
  const probe = await fitLinearProbe({
    runtime: onnxRuntime,
    classes: 2,
    train: features.of(bench.examples.train),
    validation: features.of(bench.examples.val),
    classWeights: bench.classWeights,
  });
  given = { probe, bench, run: { log: (entry) => logged.push(entry) }, steps, context: {} };
}, 60_000);

afterAll(async () => {
  await loader.close();
  await remove();
});

beforeEach(() => {
  logged.length = 0;
});

const isRetry = (entry: object) => "kind" in entry && entry.kind === "retry";

/** Trains the whole network; nothing is kept. */
function train(learningRate: number, minutes?: number, change: Partial<Plan> = {}) {
  const steps: Steps = {
    ...given.steps,
    once: (_name, _codec, compute) => compute(),
    checkpoint: async () => undefined,
  };
  const arm = { thawIndex: 0, augmentation: "light", learningRate } as const;
  return fineTune(arm, { ...plan, ...change }, { ...given, steps, minutes });
}

test("a training that ends clearly worse than the linear probe is done again at a lower rate, once", async () => {
  const wild = await train(3);
  expect(wild).toMatchObject({ strategy: "head", trainings: 2 });
  expect(wild.verdict).toMatch(
    /done again at 0\.3 of the learning rate.*so the linear probe is kept/,
  );
  expect(logged).toContainEqual(
    expect.objectContaining({ kind: "retry", learningRate: expect.closeTo(0.9) }),
  );

  const hurried = await train(3, 10);
  expect(hurried).toMatchObject({ strategy: "head", trainings: 1 });

  const usual = await train(1e-4);
  expect(usual).toMatchObject({ trainings: 1, arm: { thawIndex: 0, learningRate: 1e-4 } });
});

test("a training that was not to be checked is handed back, and so it is told", async () => {
  const forced = await train(3, undefined, { check: "none" });
  expect(forced).toMatchObject({ strategy: "full", trainings: 1 });
  expect(forced.verdict).toContain("the fine-tuned network is handed back all the same");
  expect(forced.verdict).not.toContain("kept");
});

test("trainings that are kept are read back: no picture is loaded, nothing is logged again", async () => {
  let loads = 0;
  const counting: PictureLoader = {
    ...loader,
    load: (views) => {
      loads++;
      return loader.load(views);
    },
  };
  const bench = { ...given.bench, loader: counting };
  const again = () =>
    fineTune({ thawIndex: 1, augmentation: "light", learningRate: 3 }, plan, { ...given, bench });

  const first = await again();
  expect(first).toMatchObject({ trainings: 2, cache: { where: "memory" } });
  expect(loads).toBeGreaterThan(0);
  expect(logged.filter(isRetry)).toHaveLength(1);

  loads = 0;
  logged.length = 0;
  expect(await again()).toEqual(first);
  expect(loads).toBe(0);
  expect(logged).toEqual([]);
});
