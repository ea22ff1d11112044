import { resolve } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { blobs, temporaryFolder } from "../node/pictures.fixture.ts";
import { tabulateFeatures } from "./features.ts";
import { openLoader, planFor } from "./inspect.ts";
import { openNetwork } from "./network.ts";
import { parseOptions, trainOptions } from "./options.ts";
import { readPictures } from "./pictures.ts";
import { openSteps } from "./steps.ts";
import { survey } from "./survey.ts";
import { layOut } from "./workbench.ts";

const [width, height] = [40, 40];
const picture = (seed: number) =>
  sharp(blobs(seed, width, height), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();

test.each(["resnet", "squeezenet"])(
  "the survey's forward pass gives the features a head sees, and only other pictures are run (%s)",
  async (name) => {
    const files: Record<string, Buffer> = {};
    for (let i = 0; i < 20; i++) files[`${i % 2 === 0 ? "a" : "b"}/${i}.png`] = await picture(i);
    const { root, remove } = await temporaryFolder(files);
    const model = resolve(import.meta.dirname, `../../test/fixtures/golden/${name}.onnx`);
    const options = parseOptions(trainOptions, { model, valFraction: 0.2, testFraction: 0.2 });
    const pictures = await readPictures(root, options, {});
    const network = await openNetwork(options, {});
    const loader = openLoader(pictures, network, options, {});
    try {
      const { measured, known } = await survey(pictures, network, loader, options, {});
      const plan = planFor(pictures, network, measured, options);
      const bench = layOut(pictures, network, loader, plan, {
        seed: 0,
        memoryMB: 16,
        fileBytes: 0,
        scratch: `${root}/scratch`,
      });
      const run: number[] = [];
      const tabulate = async (given: typeof known, folder: string) => {
        const steps = await openSteps(`${root}/${folder}`, () => undefined);
        const features = await tabulateFeatures(bench, given, steps, {
          onEvent: (event) => {
            if (event.kind === "progress" && event.done === event.total) run.push(event.total);
          },
        });
        const { train, val, test: heldOut } = bench.examples;
        return [train, val, heldOut].flatMap((side) => [...features.of(side).features]);
      };
      const alone = await tabulate({ samples: [], features: new Float32Array() }, "alone");
      const helped = await tabulate(known, "helped");
      expect(run).toEqual([20, 20 - known.samples.length]);
      expect(known.samples).toHaveLength(bench.examples.train.length);
      expect(new Set(alone.map((value) => value.toFixed(3))).size).toBeGreaterThan(50);
      helped.forEach((value, at) => {
        expect(value).toBeCloseTo(alone[at] ?? Number.NaN, 4);
      });
    } finally {
      await loader.close();
      await remove();
    }
  },
  60_000,
);
