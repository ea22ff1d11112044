import { Presets, SingleBar } from "cli-progress";
import type { JobEvent } from "../job/events.ts";
import { duration } from "../report/format.ts";
import { wrap } from "./table.ts";

/** Shows a job's events on standard error; standard output stays for results. */
export interface Progress {
  show(event: JobEvent): void;
  /** Takes the bar off the terminal. */
  stop(): void;
}

/** How long a log file may stay silent. */
const quietMs = 30_000;

/** A bar with the time left on a terminal; one line a phase where output goes to a file. */
export function openProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const bar = new SingleBar(
    {
      stream,
      format: "  {bar} {percentage} %  {left}{says}",
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
      fps: 5,
    },
    Presets.rect,
  );
  let started = 0;
  let told = 0;
  let running = false;
  const stop = () => {
    if (running) bar.stop();
    running = false;
  };
  const line = (text: string) => {
    stop();
    stream.write(`${text}\n`);
  };
  return {
    stop,
    show(event) {
      if (event.kind === "phase") {
        line(event.says);
        started = performance.now();
      } else if (event.kind === "note") {
        line(wrap(event.says, 80, "  "));
      } else if (event.kind === "progress" && !stream.isTTY) {
        const now = performance.now();
        if (now - Math.max(started, told) < quietMs) return;
        told = now;
        const left = timeLeft((now - started) / 1000, event);
        stream.write(`  ${event.done} of ${event.total}${left === "" ? "" : `, ${left}`}\n`);
      } else if (event.kind === "progress") {
        const seconds = (performance.now() - started) / 1000;
        const payload = {
          left: seconds > 1 ? timeLeft(seconds, event) : "",
          says: event.says === undefined ? "" : `  ${event.says}`,
        };
        if (!running) bar.start(event.total, event.done, payload);
        else {
          bar.setTotal(event.total);
          bar.update(event.done, payload);
        }
        running = true;
      }
    },
  };
}

/** How long the rest takes if it goes on as so far; nothing where that is under a second. */
function timeLeft(
  seconds: number,
  { done, total }: { readonly done: number; readonly total: number },
): string {
  const left = (seconds / Math.max(1, done)) * (total - done);
  return left < 1 ? "" : `about ${duration(left)} left`;
}
