import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

export const layouts = ["default", "channels_last"] as const;
export type Layout = (typeof layouts)[number];

const answers = z.object({
  ms: z.array(z.number()).optional(),
  megabytes: z.number().optional(),
});

/** Debian's torch belongs to the system's interpreter, which need not be the first on the path. */
const SYSTEM_PYTHON = "/usr/bin/python3";
const python = process.env.PYTHON ?? (existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : "python3");

/**
 * PyTorch in a process of its own (bench/engine.py), run by the interpreter that PYTHON names: one
 * JSON command a line, one answer a line.
 */
export function startTorch() {
  const script = fileURLToPath(new URL("engine.py", import.meta.url));
  const child = spawn(python, ["-W", "ignore", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (command: Record<string, unknown>) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error("the PyTorch side stopped");
    return answers.parse(JSON.parse(line.value));
  };
  return {
    clock: (busy: boolean) => ask({ command: "clock", busy }),
    export: (network: string, path: string) => ask({ command: "export", network, path }),
    open: (network: string, name: string, layout: Layout) =>
      ask({ command: "open", id: layout, network, case: name, layout }),
    step: async (layout: Layout) =>
      (await ask({ command: "step", id: layout, count: 1 })).ms?.[0] ?? Number.NaN,
    peakMegabytes: async () => (await ask({ command: "peak" })).megabytes ?? Number.NaN,
    stop: () =>
      new Promise((resolve) => {
        child.on("close", resolve);
        child.stdin.end();
      }),
  };
}
