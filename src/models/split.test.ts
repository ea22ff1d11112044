import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Model } from "../onnx/graph.ts";
import { readModel } from "../onnx/read.ts";
import { simplify } from "../onnx/simplify.ts";
import { candidateThawPoints, listCuts } from "./cuts.ts";
import { difference, golden, pictures, run, shapesOf } from "./network.fixture.ts";
import { splitAt } from "./split.ts";

const shared = new URL("../../../shared/models/", import.meta.url);

async function check(model: Model) {
  const input = pictures(model, 2);
  const whole = await run(model, input);
  const points = candidateThawPoints(listCuts(model, await shapesOf(model)));
  expect(points.length).toBeGreaterThan(2);
  for (const cut of points) {
    const { prefix, suffix } = splitAt(model, cut);
    const cached = prefix === undefined ? input : (await run(prefix, input))[cut.value];
    if (cached === undefined) throw new Error(`the prefix lacks ${cut.value}`);
    expect(cached.dims).toEqual([2, ...cut.dims.slice(1)]);
    const parts = await run(suffix, cached);
    for (const { name } of model.graph.outputs) {
      expect(difference(whole[name], parts[name])).toBeLessThan(1e-4);
    }
  }
}

describe("prefix and suffix together compute what the whole network does", () => {
  it.each([
    "resnet",
    "resnet_bottleneck",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "squeezenet",
    "densenet",
    "convnext",
    "vit",
  ])("%s", async (name) => check(await golden(name)));

  it.skipIf(!existsSync(shared)).each(["mobilenet_v2_035", "squeezenet1_1"])(
    "%s, as its owner published it (skipped without ../shared/models)",
    async (name) => {
      const file = new Uint8Array(readFileSync(new URL(`${name}/model.onnx`, shared)));
      await check(simplify(await readModel(file)));
    },
  );
});

it("folds BatchNorm into the frozen prefix and leaves it in the suffix", async () => {
  const model = await golden("resnet");
  const cuts = candidateThawPoints(listCuts(model, await shapesOf(model)));
  const middle = cuts[Math.floor(cuts.length / 2)];
  if (middle === undefined) throw new Error("no cut");
  const { prefix, suffix } = splitAt(model, middle);
  const ops = (part: Model | undefined) => part?.graph.nodes.map(({ op }) => op) ?? [];
  expect(ops(prefix)).toContain("Conv");
  expect(ops(prefix)).not.toContain("BatchNormalization");
  expect(ops(suffix)).toContain("BatchNormalization");
});
