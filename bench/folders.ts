import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { datasetFolders, notForTraining } from "./dataset-folders.ts";
import { runThaw, type ThawRun } from "./run-thaw.ts";

interface Row extends ThawRun {
  readonly folder: string;
  readonly seed: number;
}

const options = new Command()
  .name("bench:folders")
  .description("`thaw train` with the default network on every folder of a folder")
  .option("--data <folder>", "a folder of datasets", "../shared/data")
  .option("--only <name...>", "these datasets alone")
  .option("--without <name...>", "not these", [...notForTraining])
  .option("--seeds <n...>", "seeds", ["0"])
  .option("--rule-only", "follow the four-quadrant table, skip the check")
  .option("--json <file>", "also write the numbers here")
  .parse()
  .opts<{
    data: string;
    only?: string[];
    without: string[];
    seeds: string[];
    ruleOnly?: boolean;
    json?: string;
  }>();

const root = resolve(options.data);
const folders = options.only ?? (await datasetFolders(root, options.without));
const scratch = await mkdtemp(join(tmpdir(), "thaw-bench-"));
const rows: Row[] = [];
try {
  for (const folder of folders) {
    for (const seed of options.seeds.map(Number)) {
      const run = await runThaw([
        join(root, folder),
        ...["--out", join(scratch, `${folder}-${seed}`), "--seed", String(seed)],
        ...(options.ruleOnly === true ? ["--rule-only"] : []),
      ]);
      rows.push({ ...run, folder, seed });
      console.error(table(rows).split("\n").at(-1));
      if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 1));
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(table(rows));

function table(all: readonly Row[]): string {
  const head = [
    ...["folder", "pictures", "seed", "size, similarity", "the rule", "carried out", "thaw point"],
    ...["accuracy", "linear probe", "s", "cpu s", "MB"],
  ];
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const lines = all.map(({ folder, seed, result, seconds, cpuSeconds, peakMB }) => [
    folder,
    result.images,
    seed,
    `${result.size.verdict}, ${result.similarity.verdict}`,
    result.plan.strategy,
    result.chosen.strategy,
    result.chosen.thawPoint.name,
    percent(result.metrics.accuracy),
    percent(result.baselines.linearProbe.accuracy),
    seconds.toFixed(0),
    cpuSeconds.toFixed(0),
    peakMB.toFixed(0),
  ]);
  return [head, head.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
