import { unreadableParquet } from "../data/parquet-fault.ts";
import type { ParquetReader } from "../data/parquet-file.ts";
import { ThawError } from "../errors.ts";
import type { ParquetJob, ParquetReply } from "./parquet-job.ts";
import { startWorker } from "./worker-thread.ts";

/** Far more than a row group takes on a slow disk. */
const longestMs = 120_000;
/** Of the decoder's own objects; the pictures' bytes are not among them. */
const memoryMB = 1024;

/**
 * A parquet file read on threads of its own, each for one read: a damaged file that keeps the
 * decoder busy without end, or makes it ask for any amount of memory, ends in an error.
 * @throws ThawError `data/parquet-unreadable`, `data/parquet-columns`
 */
export async function openParquetThread(
  root: string,
  path: string,
  deadlineMs: number = longestMs,
): Promise<ParquetReader> {
  const read = (group: ParquetJob["group"]) => readOnThread({ root, path, group }, deadlineMs);
  const reply = await read(undefined);
  if (reply.kind !== "contents") throw new TypeError("the thread was asked for contents");
  const { classNames, groups, labels } = reply.contents;
  return {
    classNames,
    groups,
    labels: async () => labels,
    async pictures(group) {
      const found = await read(group);
      if (found.kind !== "pictures") throw new TypeError("the thread was asked for pictures");
      return found.pictures;
    },
  };
}

function readOnThread(job: ParquetJob, deadlineMs: number): Promise<ParquetReply> {
  const worker = startWorker("./parquet-worker", import.meta.url, {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: memoryMB },
  });
  return new Promise<ParquetReply>((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(unreadableParquet(job.path, `it was not done after ${deadlineMs / 1000} seconds`)),
      deadlineMs,
    );
    worker.on("message", (reply: ParquetReply) => {
      if (reply.kind === "fault") reject(new ThawError(reply.fault));
      else resolve(reply);
    });
    worker.on("error", (cause: Error) => reject(unreadableParquet(job.path, cause.message, cause)));
    worker.on("exit", () => {
      clearTimeout(timer);
      reject(unreadableParquet(job.path, "the thread that reads it ended"));
    });
  }).finally(() => worker.terminate());
}
