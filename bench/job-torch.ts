import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { DEFAULT_MODEL } from "../src/models/catalog.ts";
import { readGguf } from "../src/models/gguf.ts";
import { writeSafetensors } from "../src/models/safetensors.ts";
import { pullModel } from "../src/node/load-model.ts";

const versions = z.object({ torch: z.string(), torchvision: z.string() });
const epoch = z.object({
  epoch: z.int(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  accuracy: z.number(),
});

export interface TorchRun {
  readonly versions: z.infer<typeof versions>;
  readonly epochs: readonly z.infer<typeof epoch>[];
}

export interface TorchJob {
  readonly weights: string;
  readonly root: string;
  readonly classes: number;
  readonly train: readonly (readonly [path: string, label: number])[];
  readonly test: readonly (readonly [path: string, label: number])[];
  readonly mode: "head" | "full";
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly threads: number;
  readonly seed: number;
}

/** Writes the default model's weights, under torchvision's names, where PyTorch can read them. */
export async function exportWeights(folder: string): Promise<string> {
  const gguf = await readFile(await pullModel(DEFAULT_MODEL.spec));
  const path = join(folder, "weights.safetensors");
  await writeFile(path, writeSafetensors(await readGguf(new Uint8Array(gguf))));
  return path;
}

const splits = z.array(
  z.object({ path: z.string(), label: z.string(), split: z.enum(["train", "val", "test"]) }),
);

/** The pictures of a run's `splits.json`, labels as numbers. */
export async function readSplits(
  file: string,
): Promise<Pick<TorchJob, "classes" | "train" | "test">> {
  const rows = splits.parse(JSON.parse(await readFile(file, "utf8")));
  const classes = [...new Set(rows.map(({ label }) => label))].sort();
  const on = (side: string) =>
    rows.flatMap(({ path, label, split }) =>
      split === side ? [[path, classes.indexOf(label)] as const] : [],
    );
  return { classes: classes.length, train: on("train"), test: on("test") };
}

/** Does the job with bench/job.py, run by the interpreter that PYTHON names. */
export async function runTorch(job: TorchJob): Promise<TorchRun> {
  const script = fileURLToPath(new URL("job.py", import.meta.url));
  const child = spawn(process.env.PYTHON ?? "python3", ["-W", "ignore", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  child.stdin.end(`${JSON.stringify(job)}\n`);
  const lines: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
  const code = await ended;
  if (code !== 0) throw new Error(`bench/job.py ended with ${code}`);
  const [first, ...rest] = lines;
  return { versions: versions.parse(first), epochs: z.array(epoch).parse(rest) };
}
