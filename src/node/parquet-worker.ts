import { parentPort, workerData } from "node:worker_threads";
import { ParquetFile } from "../data/parquet-file.ts";
import { ThawError } from "../errors.ts";
import { openFolder } from "./file-system.ts";
import type { ParquetJob, ParquetReply } from "./parquet-job.ts";

// The parent is `parquet-thread.ts`, which passes nothing else.
const { root, path, group }: ParquetJob = workerData;
const reply = await answer().catch((cause: unknown): ParquetReply => {
  if (cause instanceof ThawError) return { kind: "fault", fault: cause.fault };
  throw cause;
});
// What is handed over need not be copied.
parentPort?.postMessage(reply, reply.kind === "pictures" ? buffersOf(reply.pictures) : []);

async function answer(): Promise<ParquetReply> {
  const file = await ParquetFile.open(openFolder(root), path);
  if (group === undefined) {
    const { classNames, groups } = file;
    return { kind: "contents", contents: { classNames, groups, labels: await file.labels() } };
  }
  // The decoder hands out views of whole pages.
  return { kind: "pictures", pictures: (await file.pictures(group)).map((one) => one?.slice()) };
}

function buffersOf(pictures: readonly (Uint8Array | undefined)[]): ArrayBuffer[] {
  return pictures.flatMap((one) => (one?.buffer instanceof ArrayBuffer ? [one.buffer] : []));
}
