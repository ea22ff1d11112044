import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import type { Dataset } from "../data/dataset.ts";
import type { PictureLoader, View } from "../data/view.ts";
import { ThawError } from "../errors.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import type { DecodedPictures } from "./decoded-pictures.ts";
import type { PictureJob, PictureReply, PictureThreadSetup } from "./picture-job.ts";
import { startWorker } from "./worker-thread.ts";

export interface PictureLoaderOptions {
  readonly seed: number;
  /** False when orientation carries meaning: no horizontal flips. Default true. */
  readonly flips?: boolean;
  /** Threads that make views; by default one for two cores, at most four. */
  readonly threads?: number;
  /** Pictures decoded already; kept open until the loader is closed. */
  readonly decoded?: DecodedPictures | undefined;
  /** Bytes of other decoded pictures kept in temporary files, all threads together. Default 4 GB. */
  readonly keptBytes?: number;
  /** Folder of the temporary files; the system's by default. */
  readonly folder?: string;
  /** Ends the loader; loads under way reject with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Pending {
  waiting: number;
  fault?: ThawError;
  readonly rows: SharedArrayBuffer;
  readonly resolve: (rows: Float32Array) => void;
  readonly reject: (reason: unknown) => void;
}

const defaultKept = 4 * 2 ** 30;

/**
 * Loads pictures on threads of their own, which go on while the caller's thread is busy training.
 * Every picture belongs to one thread, so each is decoded once and the threads share nothing.
 */
export function openPictureLoader(
  dataset: Dataset,
  preprocessing: Preprocessing,
  options: PictureLoaderOptions,
): PictureLoader {
  const threads = options.threads ?? Math.min(4, Math.ceil(availableParallelism() / 2));
  const setup: PictureThreadSetup = {
    dataset: { root: dataset.root, layout: dataset.layout },
    ids: dataset.samples.map((sample) => sample.id),
    preprocessing,
    seed: options.seed,
    flips: options.flips ?? true,
    decoded: options.decoded?.shared(),
    keptBytes: Math.floor((options.keptBytes ?? defaultKept) / threads),
    folder: options.folder,
  };
  const workers = Array.from({ length: threads }, () =>
    startWorker("./picture-worker", import.meta.url, {
      workerData: setup,
      // Pixels lie outside of the heap; a large nursery would only fill up with their handles.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    }),
  );
  const rowLength = 3 * preprocessing.height * preprocessing.width;
  const pending = new Map<number, Pending>();
  let spare: SharedArrayBuffer | undefined;
  let nextJob = 0;
  let ended: unknown;

  const end = (reason: unknown) => {
    ended ??= reason;
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
    options.signal?.removeEventListener("abort", abort);
  };
  const abort = () => {
    end(options.signal?.reason);
    terminate(workers);
  };
  const settle = ({ job, fault }: PictureReply) => {
    const entry = pending.get(job);
    if (entry === undefined) return;
    if (fault !== undefined) entry.fault = new ThawError(fault);
    if (--entry.waiting > 0) return;
    pending.delete(job);
    if (entry.fault !== undefined) entry.reject(entry.fault);
    else entry.resolve(new Float32Array(entry.rows).slice());
    spare = entry.rows;
  };
  for (const worker of workers) {
    worker.on("message", settle);
    worker.on("error", (cause) => end(threadDied(cause)));
    worker.on("exit", () => end(threadDied()));
    // An idle loader does not keep the process alive; a load under way does.
    worker.unref();
  }
  if (options.signal?.aborted) abort();
  else options.signal?.addEventListener("abort", abort, { once: true });

  return {
    dims: [3, preprocessing.height, preprocessing.width],
    async load(views) {
      if (ended !== undefined) throw ended;
      if (views.length === 0) return new Float32Array(0);
      const bytes = 4 * rowLength * views.length;
      const rows = spare?.byteLength === bytes ? spare : new SharedArrayBuffer(bytes);
      spare = undefined;
      const shares = deal(views, threads);
      const job = nextJob++;
      const alive = setInterval(() => {}, 2 ** 30);
      try {
        return await new Promise<Float32Array>((resolve, reject) => {
          const waiting = shares.filter((share) => share.length > 0).length;
          pending.set(job, { waiting, rows, resolve, reject });
          shares.forEach((share, i) => {
            const message: PictureJob = { job, views: share, rows };
            if (share.length > 0) workers[i]?.postMessage(message);
          });
        });
      } finally {
        clearInterval(alive);
      }
    },
    async close() {
      end(closed());
      await terminate(workers);
    },
  };
}

function deal(views: readonly View[], threads: number): (View & { readonly row: number })[][] {
  const shares: (View & { readonly row: number })[][] = Array.from({ length: threads }, () => []);
  views.forEach((view, row) => {
    shares[view.sample % threads]?.push({ ...view, row });
  });
  return shares;
}

async function terminate(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.terminate()));
}

function threadDied(cause?: Error): ThawError {
  return new ThawError(
    {
      code: "node/picture-thread-died",
      what: `A thread that reads pictures ended${cause === undefined ? "" : `: ${cause.message}`}`,
      next: "Run the command again, with fewer threads or a smaller memory budget.",
    },
    cause,
  );
}

function closed(): ThawError {
  return new ThawError({
    code: "node/picture-loader-closed",
    what: "The picture loader is closed",
    next: "Open another one.",
  });
}
