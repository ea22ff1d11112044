import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { DEFAULT_MODEL } from "../src/models/catalog.ts";
import { datasetFolders } from "./dataset-folders.ts";
import { decisionFingerprint, NotRun, openRunCache } from "./decision-cache.ts";
import { type CellSetting, heldOutCount, openCell, openFolder } from "./decision-cell.ts";
import { runCell } from "./decision-methods.ts";
import { decisionPicture } from "./decision-picture.ts";
import { type DecisionCell, summarise } from "./decision-summary.ts";
import { decisionTable } from "./decision-table.ts";

const list = (text: string) => text.split(",").filter((word) => word !== "");
const program = new Command()
  .name("bench:decision")
  .description(
    "Compares Thaw's choice of what to freeze with every candidate cut and with fixed rules",
  )
  .option("--data <folder>", "folder of folders of pictures", "../shared/data")
  .option("--datasets <names>", "which of them, with commas; all by default", list)
  .option("--amounts <numbers>", "pictures to train and validate on, with commas; or all", list, [
    "100",
    "300",
  ])
  .option("--seeds <numbers>", "with commas", list, ["0", "1"])
  .option("--model <spec>", "pretrained network", DEFAULT_MODEL.spec)
  .option("--image-size <pixels>", "side of the network's input", Number)
  .option("--threads <n>", "threads for the numerical engine", Number)
  .option("--cuts <n>", "compare at most this many candidate cuts, evenly spaced", Number, 100)
  .option("--out <folder>", "where runs are kept and results written", "bench/results/decision")
  .option("--report-only", "train nothing: report the cells that are finished", false)
  .parse();
const options = program.opts<{
  data: string;
  datasets?: string[];
  amounts: string[];
  seeds: string[];
  model: string;
  imageSize?: number;
  threads?: number;
  cuts: number;
  out: string;
  reportOnly: boolean;
}>();

const out = resolve(options.out);
mkdirSync(out, { recursive: true });
const cache = openRunCache(join(out, "runs.ndjson"), options.reportOnly);
const fingerprint = await decisionFingerprint();
const data = resolve(options.data);
const names = options.datasets ?? (await datasetFolders(data));

const finished = new Map<string, DecisionCell>();
const folders = new Map<string, ReturnType<typeof openFolder>>();
for (const seed of options.seeds.map(Number)) {
  for (const asked of options.amounts) {
    for (const dataset of names) {
      const pictures = await (folders.get(dataset) ?? openFolder(join(data, dataset)));
      folders.set(dataset, Promise.resolve(pictures));
      const total = pictures.dataset.samples.length;
      const most = total - heldOutCount(total);
      const amount = asked === "all" ? most : Number(asked);
      if (amount > most) continue;
      await runOne({
        folder: join(data, dataset),
        dataset,
        amount,
        seed,
        model: options.model,
        ...(options.imageSize === undefined ? {} : { imageSize: options.imageSize }),
        ...(options.threads === undefined ? {} : { threads: options.threads }),
        memoryMB: 256,
      });
    }
  }
}

async function runOne(setting: CellSetting): Promise<void> {
  const pictures = await folders.get(setting.dataset);
  if (pictures === undefined) return;
  const cell = await openCell(pictures, setting);
  try {
    const runs = await runCell(cell, cache, fingerprint, options.cuts, (line) =>
      console.error(line),
    );
    const key = `${setting.dataset}/${setting.amount}`;
    const known = finished.get(key) ?? {
      dataset: setting.dataset,
      amount: setting.amount,
      heldOut: cell.all.dataset.samples.length - cell.given.dataset.samples.length,
      cuts: runs.cuts.map(({ cut }) => cut ?? ""),
      runs: [],
    };
    finished.set(key, { ...known, runs: [...known.runs, { seed: setting.seed, ...runs }] });
    report();
  } catch (cause) {
    if (!(cause instanceof NotRun)) throw cause;
  } finally {
    await cell.close();
  }
}

function report(): void {
  const summary = {
    model: options.model,
    imageSize: options.imageSize ?? "the network's own",
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    fingerprint,
    ...summarise([...finished.values()]),
  };
  writeFileSync(join(out, "decision.json"), `${JSON.stringify(summary, null, 2)}\n`);
  writeFileSync(join(out, "decision.md"), decisionTable(summary));
  writeFileSync(join(out, "decision.svg"), decisionPicture(summary));
}
if (finished.size > 0) console.log(`${out}/decision.md`);
