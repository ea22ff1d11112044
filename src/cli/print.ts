import type { Fault } from "../errors.ts";
import { errorCode, writeFault } from "../node/write-file.ts";

/**
 * Writes to standard output and waits until it has taken the text: pipes take large texts in parts.
 * @throws the system's error `EPIPE` where nobody reads any more
 * @throws ThawError `node/disk-full`, `node/unwritable`
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (cause) => {
      if (cause === null || cause === undefined) resolve();
      else reject(errorCode(cause) === "EPIPE" ? cause : writeFault("standard output", cause));
    });
  });
}

/** Tells a program of a fault; where not even that can be written, standard error has to do. */
export async function printFault(fault: Fault): Promise<void> {
  await print(`${JSON.stringify({ error: fault })}\n`).catch(() => undefined);
}
