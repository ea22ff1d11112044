import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { type JobRow, jobTable } from "./job-table.ts";
import { exportWeights, readSplits, runTorch, type TorchRun } from "./job-torch.ts";
import { runThaw } from "./run-thaw.ts";

const modes = ["head", "full"] as const;
const epochs = 10;
const threads = 2;
/** The tutorial's own, and one that suits a processor better: learning rate in proportion. */
const variants = [
  { batch: 4, learningRate: 0.001 },
  { batch: 32, learningRate: 0.008 },
];

const options = new Command()
  .name("bench:job")
  .description(
    "The main job, from a folder of pictures to a judged model, by Thaw and the way PyTorch's transfer-learning tutorial does it, in turn",
  )
  .option("--folder <folder>", "a folder of pictures a class", "../shared/data/ants-bees")
  .option("--seeds <n...>", "seeds; each has a split of its own", ["0", "1", "2"])
  .addOption(new Option("--mode <name...>").choices(modes).default(modes))
  .addOption(
    new Option("--batch <n...>", "PyTorch's batch sizes")
      .choices(variants.map(({ batch }) => String(batch)))
      .default(variants.map(({ batch }) => String(batch))),
  )
  .option("--json <file>", "also write the numbers here")
  .parse()
  .opts<{
    folder: string;
    seeds: string[];
    mode: (typeof modes)[number][];
    batch: string[];
    json?: string;
  }>();

const root = resolve(options.folder);
const scratch = await mkdtemp(join(tmpdir(), "thaw-bench-"));
const rows: JobRow[] = [];
let versions: TorchRun["versions"] | undefined;
try {
  const weights = await exportWeights(scratch);
  for (const seed of options.seeds.map(Number)) {
    for (const mode of options.mode) {
      const out = join(scratch, `${mode}-${seed}`);
      const thaw = await runThaw([
        root,
        ...["--out", out, "--seed", String(seed), "--threads", String(threads)],
        ...["--strategy", mode],
      ]);
      const { accuracy } = thaw.result.metrics;
      const split = await readSplits(join(out, "splits.json"));
      for (const { batch, learningRate } of variants) {
        if (!options.batch.includes(String(batch))) continue;
        const torch = await runTorch({
          ...{ weights, root, ...split, mode, epochs, batch, learningRate, threads, seed },
        });
        versions = torch.versions;
        const { seconds, cpuSeconds } = thaw;
        const row = {
          ...{ mode, batch, seed },
          thaw: { seconds, cpuSeconds, accuracy },
          torch: torch.epochs,
        };
        rows.push(row);
        console.error(jobTable([row]).split("\n").at(-1));
        if (options.json !== undefined) {
          writeFileSync(options.json, JSON.stringify({ versions, rows }, undefined, 1));
        }
      }
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(jobTable(rows));
console.log(
  `${epochs} epochs, ${threads} threads a side, ${cpus().length} cores (${cpus()[0]?.model}), PyTorch ${versions?.torch}, torchvision ${versions?.torchvision}`,
);
