import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ThawError } from "../errors.ts";
import type { ActivationStore } from "../train/activation-store.ts";
import { writeFault } from "./write-file.ts";

/** A store whose rows stay when it is closed. */
export interface ActivationFile extends ActivationStore {
  /** Whole rows that it held when it was opened. */
  readonly rows: number;
  /** Returns once what was written would outlive the machine. */
  sync(): Promise<void>;
}

/**
 * Keeps activations in a file, with what is in it already.
 * @throws ThawError `node/disk-full`, `node/unwritable`, `node/unreadable-cache`
 */
export async function activationFile(path: string, rowBytes: number): Promise<ActivationFile> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT).catch((cause) => {
    throw writeFault(path, cause);
  });
  const { size } = await file.stat();
  return {
    rows: Math.floor(size / rowBytes),
    async sync() {
      await file.datasync().catch((cause) => {
        throw writeFault(path, cause);
      });
    },
    async write(firstRow, bytes) {
      try {
        for (let done = 0; done < bytes.length; ) {
          const position = firstRow * rowBytes + done;
          done += (await file.write(bytes, done, bytes.length - done, position)).bytesWritten;
        }
      } catch (cause) {
        throw writeFault(path, cause);
      }
    },
    async read(row, target) {
      try {
        for (let done = 0; done < rowBytes; ) {
          const position = row * rowBytes + done;
          const { bytesRead } = await file.read(target, done, rowBytes - done, position);
          if (bytesRead === 0) throw new RangeError(`the file ends before row ${row}`);
          done += bytesRead;
        }
      } catch (cause) {
        throw readFault(path, cause);
      }
    },
    close: () => file.close(),
  };
}

function readFault(path: string, cause: unknown): ThawError {
  return new ThawError(
    {
      code: "node/unreadable-cache",
      what: `The cached activations cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      where: path,
      next: "Check the disk, then run `thaw resume` on the run's folder.",
    },
    cause,
  );
}
