import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { z } from "zod";
import { writeModel } from "../src/onnx/write.ts";
import { tinyBackbone, tinyPicture } from "../test/crash/tiny-task.fixture.ts";

/**
 * What many pictures cost: `npm run bench:load [-- --sizes 5000,15000,50000]`. Small pictures and a
 * small network, so that what is measured is Thaw's own bookkeeping; every line is a process.
 */
const { values } = parseArgs({
  options: { sizes: { type: "string", default: "5000,15000,50000" } },
});

interface Load {
  readonly name: string;
  /** Pictures in each class. */
  readonly counts: readonly number[];
}

const measured = z.object({
  inspectSeconds: z.number(),
  inspectMB: z.number(),
  trainSeconds: z.number(),
  trainMB: z.number(),
  accuracy: z.number(),
});

const loads: Load[] = [
  ...values.sizes.split(",").map((size) => ({
    name: `${size} pictures, 10 classes`,
    counts: new Array<number>(10).fill(Number(size) / 10),
  })),
  { name: "1000 classes of 5", counts: new Array<number>(1000).fill(5) },
  { name: "a class of 40 000, one of 5", counts: [40_000, 5] },
];

console.log("| load | inspect s | MB | train head s | MB | accuracy | ms a picture |");
console.log("|---|---|---|---|---|---|---|");
for (const load of loads) {
  const folder = await mkdtemp(join(tmpdir(), "thaw-load-"));
  try {
    const pictures = await makePictures(folder, load.counts);
    await writeFile(join(folder, "net.onnx"), writeModel(tinyBackbone(true)));
    const total = load.counts.reduce((sum, count) => sum + count, 0);
    const run = await measure("run", folder, pictures);
    const cells = [
      load.name,
      run.inspectSeconds.toFixed(1),
      run.inspectMB,
      run.trainSeconds.toFixed(1),
      run.trainMB,
      run.accuracy.toFixed(3),
      ((1000 * (run.inspectSeconds + run.trainSeconds)) / total).toFixed(2),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makePictures(folder: string, counts: readonly number[]): Promise<string> {
  const pictures = join(folder, "pictures");
  for (const [label, count] of counts.entries()) {
    const own = join(pictures, `class ${label}`);
    await mkdir(own, { recursive: true });
    for (let number = 0; number < count; number++) {
      await writeFile(join(own, `${number}.png`), await tinyPicture(label, number));
    }
  }
  return pictures;
}

async function measure(name: string, folder: string, pictures: string) {
  const script = `
    const megabytes = () => Math.round(process.resourceUsage().maxRSS / 1024);
    const { inspect } = await import(${JSON.stringify(new URL("../src/job/inspect.ts", import.meta.url))});
    const { train } = await import(${JSON.stringify(new URL("../src/job/train.ts", import.meta.url))});
    const [model, pictures, out] = process.argv.slice(1);
    const options = { model, strategy: "head" };
    const start = performance.now();
    await inspect(pictures, options);
    const between = performance.now();
    const inspectMB = megabytes();
    const { metrics } = await train(pictures, { ...options, out });
    console.log(JSON.stringify({
      inspectSeconds: (between - start) / 1000,
      inspectMB,
      trainSeconds: (performance.now() - between) / 1000,
      trainMB: megabytes(),
      accuracy: metrics.accuracy,
    }));`;
  const args = ["--import", "tsx", "--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...args,
    join(folder, "net.onnx"),
    pictures,
    join(folder, name),
  ]);
  return measured.parse(JSON.parse(stdout));
}
