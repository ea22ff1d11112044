import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { runFiles } from "../src/job/run-folder.ts";
import { readJournal } from "../src/train/journal.ts";
import { runThaw } from "./run-thaw.ts";

const options = new Command()
  .name("bench:checkpoints")
  .description("What share of a training checkpoints take, by the run's own journal")
  .option("--folder <folder...>", "folders of pictures a class", [
    "../shared/data/ants-bees",
    "../shared/data/flowers",
  ])
  .option("--model <spec...>", "networks; the default one where absent")
  .parse()
  .opts<{ folder: string[]; model?: string[] }>();

const scratch = await mkdtemp(join(tmpdir(), "thaw-bench-"));
console.log("| folder | network | training s | checkpoints | s | share |");
console.log("| --- | --- | --- | --- | --- | --- |");
try {
  for (const folder of options.folder.map((path) => resolve(path))) {
    for (const [index, model] of (options.model ?? [undefined]).entries()) {
      const out = join(scratch, `${index}`);
      const network = model === undefined ? [] : ["--model", model];
      await runThaw([folder, "--out", out, "--strategy", "full", "--rule-only", ...network]);
      const entries = readJournal(await readFile(join(out, runFiles.journal), "utf8"));
      const kept = entries.flatMap((entry) => (entry.kind === "checkpoint" ? [entry.seconds] : []));
      const trained = entries.flatMap((entry) => (entry.kind === "stopped" ? [entry.seconds] : []));
      const [cost, whole] = [sum(kept), sum(trained)];
      const cells = [
        ...[folder, model ?? "default", whole.toFixed(1), kept.length, cost.toFixed(2)],
        `${((100 * cost) / whole).toFixed(2)} %`,
      ];
      console.log(`| ${cells.join(" | ")} |`);
      await rm(out, { recursive: true });
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
