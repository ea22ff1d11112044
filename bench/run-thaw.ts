import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type TrainResult, trainResult } from "../src/job/result.ts";

const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** Variables and flags of the installed command, as its first line sets them. */
const [firstLine = ""] = readFileSync(cli, "utf8").split("\n");
const environment = Object.fromEntries(
  [...firstLine.matchAll(/ (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
);
const flags = firstLine.split(" ").filter((word) => word.startsWith("--"));

/** Tells the process's own account of itself on file descriptor 3 as it ends. */
const account = `data:text/javascript,${encodeURIComponent(`
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
if (isMainThread) process.on("exit", () => writeSync(3, JSON.stringify(process.resourceUsage())));
`)}`;

/** Processor times in microseconds, memory in KiB. */
const usage = z.object({
  userCPUTime: z.number(),
  systemCPUTime: z.number(),
  maxRSS: z.number(),
});

/** One `thaw train`, measured from outside: Node's start and end included. */
export interface ThawRun {
  readonly result: TrainResult;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** High-water mark of the process's resident memory, as the kernel counts it (VmHWM). */
  readonly peakMB: number;
}

/**
 * Runs the built CLI's `train --json` in a process of its own.
 * @throws Error with what the command said where it failed
 */
export async function runThaw(args: readonly string[]): Promise<ThawRun> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [...flags, "--import", account, cli, "train", ...args, "--json"],
    {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    },
  );
  const [, out, err, told] = child.stdio;
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const read = (stream: typeof told) =>
    stream !== null && stream !== undefined && "read" in stream ? text(stream) : "";
  const [printed, said, spent, code] = await Promise.all([read(out), read(err), read(told), ended]);
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`thaw train ${args.join(" ")} ended with ${code}:\n${said}`);
  const { userCPUTime, systemCPUTime, maxRSS } = usage.parse(JSON.parse(spent));
  return {
    result: trainResult.parse(JSON.parse(printed)),
    seconds,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMB: maxRSS / 1024,
  };
}
