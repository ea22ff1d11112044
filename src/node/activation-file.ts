import { open, rm } from "node:fs/promises";
import { ThawError } from "../errors.ts";
import type { ActivationStore } from "../train/activation-store.ts";

/**
 * Keeps activations in a file of its own, which is removed when the store is closed: what it
 * holds can always be computed again.
 * @throws ThawError `node/no-space` where the disk is full, `node/cache-failed` for any other fault
 */
export async function activationFile(path: string, rowBytes: number): Promise<ActivationStore> {
  const file = await open(path, "w+").catch((cause) => {
    throw fault(path, cause);
  });
  return {
    async write(firstRow, bytes) {
      await attempt(path, async () => {
        for (let done = 0; done < bytes.length; ) {
          const position = firstRow * rowBytes + done;
          done += (await file.write(bytes, done, bytes.length - done, position)).bytesWritten;
        }
      });
    },
    async read(row, target) {
      await attempt(path, async () => {
        for (let done = 0; done < rowBytes; ) {
          const { bytesRead } = await file.read(
            target,
            done,
            rowBytes - done,
            row * rowBytes + done,
          );
          if (bytesRead === 0) throw new RangeError(`row ${row} is not in the file`);
          done += bytesRead;
        }
      });
    },
    async close() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function attempt(path: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    throw fault(path, cause);
  }
}

function fault(path: string, cause: unknown): ThawError {
  const full = cause instanceof Error && "code" in cause && cause.code === "ENOSPC";
  return new ThawError(
    full
      ? {
          code: "node/no-space",
          what: "The disk is full, the cached activations cannot be written",
          where: path,
          next: "Free some space or raise the memory budget, then resume the run.",
        }
      : {
          code: "node/cache-failed",
          what: `The cached activations cannot be read or written: ${cause instanceof Error ? cause.message : String(cause)}`,
          where: path,
          next: "Check that the folder can be written to, then resume the run.",
        },
    cause,
  );
}
