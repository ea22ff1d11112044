import { type Fault, ThawError } from "../errors.ts";
import type { JobContext } from "../job/events.ts";
import { errorCode } from "../node/write-file.ts";
import { describe, exitCode, exitCodeOf, faultOf } from "./failure.ts";
import { print, printFault } from "./print.ts";
import { openProgress } from "./progress.ts";

/** What an action writes to standard output: for people, and for machines. */
export interface Output {
  readonly text: string;
  readonly json: unknown;
}

/** What a command's work is given. */
export interface ActionContext extends JobContext {
  /** Writes to standard output while the work goes on. */
  readonly write: (text: string) => Promise<void>;
}

/**
 * Runs a command's work: progress on standard error, the result on standard output, failures as
 * a message and an exit code. The first Ctrl-C stops cleanly, the second at once.
 */
export async function act(
  options: { readonly json?: boolean },
  work: (context: ActionContext) => Promise<Output | undefined>,
): Promise<void> {
  const progress = openProgress();
  // Both may be the same terminal, and the bar takes whatever stands below its start away with it.
  const write = (text: string) => {
    progress.stop();
    return print(text);
  };
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(exitCode.interrupted);
    progress.stop();
    process.stderr.write("Stopping after this step; Ctrl-C again stops at once.\n");
    stop.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    const output = await work({ onEvent: progress.show, signal: stop.signal, write });
    progress.stop();
    if (output !== undefined) {
      await write(options.json === true ? `${JSON.stringify(output.json)}\n` : `${output.text}\n`);
    }
  } catch (thrown) {
    progress.stop();
    // Who reads has read enough, as `head` does.
    if (errorCode(thrown) === "EPIPE") return;
    const fault = stop.signal.aborted ? stoppedFault(thrown) : faultOf(thrown);
    if (process.env.THAW_DEBUG) console.error(thrown);
    if (options.json === true) await printFault(fault);
    process.stderr.write(`${describe(fault)}\n`);
    process.exitCode = exitCodeOf(fault);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** A run that is stopped says where it is kept; any other command leaves nothing behind. */
function stoppedFault(thrown: unknown): Fault {
  return thrown instanceof ThawError && thrown.fault.code === "job/stopped"
    ? thrown.fault
    : { code: "job/stopped", what: "Stopped", next: "Nothing was changed." };
}
