import { resolve } from "node:path";
import { hurry, injectFault } from "./fault-injection.ts";
import type { JobMessage, JobRequest } from "./job-process.ts";

// The parent is `job-process.ts`, which passes nothing else.
const request: JobRequest = JSON.parse(process.argv[2] ?? "");
const tell = (message: JobMessage) => process.stdout.write(`${JSON.stringify(message)}\n`);

const points = injectFault(resolve(request.run), request.fault);
hurry(1000);
const { train, resume } = await import("../../src/job/train.ts");
const { ThawError } = await import("../../src/errors.ts");

tell({ kind: "ready" });
try {
  const { pictures, run, options, acceptChanges = false } = request;
  const context = {
    onEvent: (event: { readonly says?: string }) => {
      if (event.says !== undefined) tell({ kind: "event", says: event.says });
    },
  };
  const { metrics } =
    request.action === "train"
      ? await train(pictures, { ...options, out: run }, context)
      : await resume(run, { acceptChanges }, context);
  tell({ kind: "done", accuracy: metrics.accuracy, points: [...points] });
} catch (cause) {
  if (!(cause instanceof ThawError)) throw cause;
  const { code, what, next, details } = cause.fault;
  tell({ kind: "failed", code, what: `${what} (${cause.fault.where})`, next, details });
}
