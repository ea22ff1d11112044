import { type Fault, ThawError } from "../errors.ts";
import { printable, wrap } from "./table.ts";

/** Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by the user. */
export const exitCode = { failed: 1, misuse: 2, interrupted: 130 } as const;

/** Faults of the call itself rather than of what it was asked to do. */
const misuses = new Set<Fault["code"]>([
  "data/missing",
  "data/not-a-folder",
  "data/unknown-file",
  "data/empty-folder",
  "data/no-pictures",
  "data/no-class-folders",
  "data/one-class",
  "data/class-too-small",
  "data/one-sided-split",
  "job/run-exists",
  "job/out-not-empty",
  "job/no-run",
  "job/no-model",
  "job/no-report",
  "job/bad-option",
  "job/unknown-class",
  "job/too-few-pictures",
  "node/no-model",
  "node/bad-spec",
]);

/** The fault behind anything thrown; what Thaw did not throw on purpose is a defect and says so. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof ThawError) return thrown.fault;
  return {
    code: "cli/defect",
    what: `Thaw failed in a way it should not: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    next: "Please report this with the command you ran; THAW_DEBUG=1 shows where it happened.",
  };
}

/** The exit code for a fault. */
export function exitCodeOf(fault: Fault): number {
  if (fault.code === "job/stopped") return exitCode.interrupted;
  return fault.code.startsWith("cli/") && fault.code !== "cli/defect"
    ? exitCode.misuse
    : misuses.has(fault.code)
      ? exitCode.misuse
      : exitCode.failed;
}

/** The fault as a person reads it on a terminal. */
export function describe(fault: Fault): string {
  const where = fault.where === undefined ? [] : [`  at ${printable(fault.where)}`];
  return [wrap(`thaw: ${printable(fault.what)}.`), ...where, wrap(fault.next, 80, "  ")].join("\n");
}
