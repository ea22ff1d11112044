import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import {
  busyClock,
  type Case,
  cases,
  exportNetwork,
  type NetworkName,
  networks,
  openCase,
  wallClock,
} from "./engine-cases.ts";
import { peakMegabytes, type Row, table } from "./engine-table.ts";
import { type Layout, layouts, startTorch } from "./engine-torch.ts";

/** Long enough for the other side's threads to stop spinning. */
const REST_MS = 50;

const program = new Command()
  .name("bench:engine")
  .description(
    "Times Thaw's training steps and PyTorch's in turn, on 2 threads, batch 32, 224 x 224",
  )
  .addOption(new Option("--network <name...>").choices(Object.keys(networks)))
  .addOption(new Option("--case <name...>").choices([...cases]))
  .option("--rounds <n>", "steps of each side, in turn", Number, 7)
  .option("--busy", "processor time on 1 thread, for a machine that others use at the same time")
  .option("--json <file>", "also write the numbers here")
  .option("--steady", "run 500 steps of Thaw and report memory as they go")
  .addOption(new Option("--alone <side>").choices(["thaw", ...layouts]).hideHelp())
  .parse();
const options = program.opts<{
  network?: NetworkName[];
  case?: Case[];
  rounds: number;
  json?: string;
  busy?: boolean;
  steady?: boolean;
  alone?: "thaw" | Layout;
}>();

const clock = options.busy ? busyClock : wallClock;
const folder = await mkdtemp(join(tmpdir(), "thaw-bench-"));
const chosen = (options.network ?? (Object.keys(networks) as NetworkName[])).flatMap((network) =>
  (options.case ?? cases).map((name) => ({ network, case: name })),
);
try {
  if (options.alone !== undefined) await measureAlone(options.alone);
  else if (options.steady) await showSteadiness();
  else await compare();
} finally {
  await rm(folder, { recursive: true });
}

async function compare(): Promise<void> {
  const rows: Row[] = [];
  for (const { network, case: name } of chosen) {
    const file = await exportNetwork(network, folder);
    const torch = startTorch();
    await torch.clock(clock === busyClock);
    const thaw = await openCase(file, network, name, clock);
    for (const layout of layouts) await torch.open(network, name, layout);
    const times: Record<"thaw" | Layout, number[]> = { thaw: [], default: [], channels_last: [] };
    for (let round = -1; round < options.rounds; round++) {
      const taken = [
        ["thaw", await thaw.step()],
        ["default", await rested(() => torch.step("default"))],
        ["channels_last", await rested(() => torch.step("channels_last"))],
      ] as const;
      await pause();
      if (round >= 0) for (const [side, ms] of taken) times[side].push(ms);
    }
    await thaw.release();
    await torch.stop();
    const row: Row = {
      network,
      case: name,
      sessionMs: thaw.sessionMs,
      thaw: { ms: median(times.thaw), megabytes: await peakMegabytes("thaw", network, name) },
      default: {
        ms: median(times.default),
        megabytes: await peakMegabytes("default", network, name),
      },
      channels_last: {
        ms: median(times.channels_last),
        megabytes: await peakMegabytes("channels_last", network, name),
      },
    };
    rows.push(row);
    console.error(table([row]).split("\n").at(-1));
    if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, undefined, 2));
  }
  console.log(table(rows));
}

/** The peak of a process that does nothing else: a few steps, then its high-water mark. */
async function measureAlone(side: "thaw" | Layout): Promise<void> {
  const [first] = chosen;
  if (first === undefined) return;
  if (side === "thaw") {
    const file = await exportNetwork(first.network, folder);
    const thaw = await openCase(file, first.network, first.case, clock);
    for (let step = 0; step < 3; step++) await thaw.step();
    console.log(process.resourceUsage().maxRSS / 1024);
    await thaw.release();
    return;
  }
  const torch = startTorch();
  await torch.open(first.network, first.case, side);
  for (let step = 0; step < 3; step++) await torch.step(side);
  console.log(await torch.peakMegabytes());
  await torch.stop();
}

async function showSteadiness(): Promise<void> {
  for (const { network, case: name } of chosen) {
    const thaw = await openCase(await exportNetwork(network, folder), network, name, clock);
    for (let step = 1; step <= 500; step++) {
      await thaw.step();
      if (step % 100 !== 0 && step !== 10) continue;
      const megabytes = process.memoryUsage().rss / 2 ** 20;
      console.log(`${network} ${name}: step ${step}, ${megabytes.toFixed(0)} MB`);
    }
    await thaw.release();
  }
}

async function rested(step: () => Promise<number>): Promise<number> {
  await pause();
  return step();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
