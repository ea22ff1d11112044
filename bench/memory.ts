import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { strategy } from "../src/plan/plan.ts";
import { runThaw } from "./run-thaw.ts";

interface Row {
  readonly how: string;
  readonly pictures: number;
  readonly memory: number;
  readonly seconds: number;
  readonly reportedMB: number;
  readonly kernelMB: number;
}

const options = new Command()
  .name("bench:memory")
  .description("Peak memory of `thaw train` with few and with many pictures")
  .option(
    "--folder <folder>",
    "a folder of pictures a class, repeated until there are enough",
    "../shared/data/ants-bees",
  )
  .option("--pictures <n...>", "how many", ["500", "5000"])
  .option("--memory <MB>", "Thaw's budget for cached activations", "64")
  .option("--epochs <n>", "where layers are trained; memory does not depend on it", "2")
  .addOption(
    new Option("--strategy <name...>").choices(strategy.options).default(["head", "partial"]),
  )
  .option("--json <file>", "also write the numbers here")
  .parse()
  .opts<{
    folder: string;
    pictures: string[];
    memory: string;
    epochs: string;
    strategy: string[];
    json?: string;
  }>();

const scratch = await mkdtemp(join(tmpdir(), "thaw-bench-"));
const rows: Row[] = [];
try {
  for (const count of options.pictures.map(Number)) {
    const folder = join(scratch, String(count));
    const pictures = await repeat(resolve(options.folder), folder, count);
    for (const how of options.strategy) {
      const { result, seconds, peakMB } = await runThaw([
        folder,
        ...["--out", join(scratch, `${how}-${count}`), "--allow-duplicates", "--rule-only"],
        ...["--strategy", how, "--epochs", options.epochs, "--memory", options.memory],
      ]);
      rows.push({
        ...{ how, pictures, seconds },
        memory: Number(options.memory),
        reportedMB: result.peakMemoryMB,
        kernelMB: Math.round(peakMB),
      });
      console.error(table(rows).split("\n").at(-1));
      if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 1));
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(table(rows));

/** The classes of a folder again, each picture linked under as many names as it takes. */
async function repeat(from: string, to: string, count: number): Promise<number> {
  const entries = await readdir(from, { withFileTypes: true });
  const classes = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const files: [string, string][] = [];
  for (const name of classes) {
    await mkdir(join(to, name), { recursive: true });
    for (const file of await readdir(join(from, name))) files.push([name, file]);
  }
  for (let made = 0; made < count; made++) {
    const [name, file] = files[made % files.length] ?? ["", ""];
    const copy = `${Math.floor(made / files.length)}-${made}${extname(file)}`;
    await symlink(join(from, name, file), join(to, name, copy));
  }
  return count;
}

function table(all: readonly Row[]): string {
  const head = ["strategy", "pictures", "budget MB", "peak MB, as reported", "peak MB, VmHWM", "s"];
  const lines = all.map((row) => [
    row.how,
    row.pictures,
    row.memory,
    row.reportedMB,
    row.kernelMB,
    row.seconds.toFixed(0),
  ]);
  return [head, head.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
