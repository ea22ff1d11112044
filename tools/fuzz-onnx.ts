import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fuzzSeeds, headOf, survive } from "../src/onnx/fuzz.fixture.ts";
import { mutated } from "../src/onnx/mutate.fixture.ts";

/**
 * Feeds damaged models to the reader: `npx tsx tools/fuzz-onnx.ts [--count 100000] [model.onnx ...]`.
 * The heads of the models given join the handmade seeds. Exits with 1 if anything but a ThawError
 * or a model comes out, a file takes over 5 s, or memory passes 1 GB.
 */
const HANG_MS = 5000;
const MEMORY_MB = 1024;
const MAX_PROBLEMS = 20;

/** A worker does not inherit the loader of TypeScript files from the thread that starts it. */
const bootstrap = `import("tsx/esm/api").then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.url)});
});`;

interface Task {
  readonly from: number;
  readonly count: number;
  readonly heads: readonly Uint8Array[];
  /** The index now being read, seen by the watchdog. */
  readonly progress: Int32Array;
}

type Message =
  | { readonly kind: "done"; readonly table: ReadonlyMap<string, ReadonlyMap<string, number>> }
  | { readonly kind: "defect"; readonly index: number; readonly error: string };

if (isMainThread) await main();
else await work(workerData as Task);

async function work({ from, count, heads, progress }: Task): Promise<void> {
  const seeds = [...fuzzSeeds(), ...heads];
  const table = new Map<string, Map<string, number>>();
  const post = (message: Message) => parentPort?.postMessage(message);
  for (let index = from; index < count; index++) {
    Atomics.store(progress, 0, index);
    const { name, bytes } = mutated(seeds, index);
    let outcome = "defect";
    try {
      outcome = await survive(bytes);
    } catch (error) {
      post({
        kind: "defect",
        index,
        error: error instanceof Error ? `${error.stack}` : `${error}`,
      });
    }
    const row = table.get(name) ?? new Map<string, number>();
    table.set(name, row.set(outcome, (row.get(outcome) ?? 0) + 1));
  }
  post({ kind: "done", table });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: "string", default: "100000" } },
  });
  const count = Number(values.count);
  const heads = await Promise.all(
    positionals.filter(existsSync).map((path) => headOf(new Uint8Array(readFileSync(path)), 12)),
  );
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const start = Date.now();
  const problems: string[] = [];
  const table = new Map<string, Map<string, number>>();
  let peak = 0;

  for (
    let from = 0;
    from < count && problems.length < MAX_PROBLEMS;
    from = Atomics.load(progress, 0) + 1
  ) {
    let running = true;
    const worker = new Worker(bootstrap, {
      eval: true,
      workerData: { from, count, heads, progress } satisfies Task,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    Atomics.store(progress, 0, from);
    worker.on("message", (message: Message) => {
      if (message.kind === "defect") problems.push(`file ${message.index}: ${message.error}`);
      else merge(table, message.table);
    });
    worker.on("error", (error) => {
      problems.push(`file ${Atomics.load(progress, 0)}: ${error.message}`);
    });
    worker.on("exit", () => {
      running = false;
    });
    let last = -1;
    let since = Date.now();
    while (running) {
      await sleep(100);
      peak = Math.max(peak, process.memoryUsage.rss() / 2 ** 20);
      const now = Atomics.load(progress, 0);
      if (now !== last) [last, since] = [now, Date.now()];
      const hung = Date.now() - since > HANG_MS;
      if (hung || peak > MEMORY_MB) {
        problems.push(`file ${now}: ${hung ? "took over 5 s" : `memory at ${peak.toFixed()} MB`}`);
        await worker.terminate();
        if (!hung) Atomics.store(progress, 0, count);
      }
    }
  }

  print(table);
  const seconds = ((Date.now() - start) / 1000).toFixed();
  console.log(
    `\n${count} files, ${seconds} s, peak ${peak.toFixed()} MB, ${problems.length} defects`,
  );
  for (const problem of problems.slice(0, MAX_PROBLEMS)) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

function merge(
  into: Map<string, Map<string, number>>,
  from: ReadonlyMap<string, ReadonlyMap<string, number>>,
): void {
  for (const [name, row] of from) {
    const target = into.get(name) ?? new Map<string, number>();
    for (const [outcome, n] of row) target.set(outcome, (target.get(outcome) ?? 0) + n);
    into.set(name, target);
  }
}

function print(table: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
  for (const [name, row] of table) {
    const total = [...row.values()].reduce((sum, n) => sum + n, 0);
    const parts = [...row].sort(([, a], [, b]) => b - a).map(([outcome, n]) => `${outcome} ${n}`);
    console.log(`${name.padEnd(24)}${String(total).padStart(8)}  ${parts.join(", ")}`);
  }
}
