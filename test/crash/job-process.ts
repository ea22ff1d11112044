import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { TrainOptions } from "../../src/job/options.ts";
import type { InjectedFault } from "./fault-injection.ts";

/** A job for a process of its own. */
export interface JobRequest {
  readonly action: "train" | "resume";
  /** The run's folder. */
  readonly run: string;
  readonly pictures: string;
  readonly options: Partial<TrainOptions>;
  readonly acceptChanges?: boolean;
  readonly fault?: InjectedFault;
}

const message = z.discriminatedUnion("kind", [
  /** The job begins: its code is loaded. */
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("event"), says: z.string() }),
  z.object({ kind: z.literal("done"), accuracy: z.number(), points: z.array(z.string()) }),
  z.object({
    kind: z.literal("failed"),
    code: z.string(),
    what: z.string(),
    next: z.string(),
    details: z.unknown().optional(),
  }),
]);
export type JobMessage = z.infer<typeof message>;

export interface JobEnd {
  readonly killed: boolean;
  /** Undefined for a process that was killed. */
  readonly end: Extract<JobMessage, { kind: "done" | "failed" }> | undefined;
  /** What the job said on its way. */
  readonly says: readonly string[];
  /** From `ready` to the end, in milliseconds. */
  readonly milliseconds: number;
  /** What a process that ended without a word wrote to its error output. */
  readonly errors: string;
}

export interface WatchOptions {
  /** Kills the process so long after the job began, in milliseconds. */
  readonly killAfter?: number;
  /** Called with everything the job says; killing it is up to the caller. */
  readonly onEvent?: (says: string, kill: () => void) => void;
  /** Put before the command, such as `unshare`. */
  readonly wrapper?: readonly string[];
}

/** Runs a job in a process of its own and follows it to its end. */
export function runJob(request: JobRequest, options: WatchOptions = {}): Promise<JobEnd> {
  const script = fileURLToPath(new URL("job-main.ts", import.meta.url));
  const command = [process.execPath, "--import", "tsx", script, JSON.stringify(request)];
  const [file = "", ...args] = [...(options.wrapper ?? []), ...command];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    const says: string[] = [];
    let end: JobEnd["end"];
    let errors = "";
    let rest = "";
    let began = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const kill = () => child.kill("SIGKILL");
    child.stderr.on("data", (text) => {
      errors += text;
    });
    child.stdout.on("data", (text) => {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const told = message.parse(JSON.parse(line));
        if (told.kind === "ready") {
          began = performance.now();
          if (options.killAfter !== undefined) timer = setTimeout(kill, options.killAfter);
        } else if (told.kind === "event") {
          says.push(told.says);
          options.onEvent?.(told.says, kill);
        } else end = told;
      }
    });
    child.on("error", reject);
    child.on("close", (_, signal) => {
      clearTimeout(timer);
      const milliseconds = performance.now() - began;
      resolve({ killed: signal === "SIGKILL", end, says, milliseconds, errors });
    });
  });
}
