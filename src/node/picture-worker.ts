import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import { ThawError } from "../errors.ts";
import type { PictureJob, PictureReply, PictureThreadSetup } from "./picture-job.ts";
import { ViewRenderer } from "./view-renderer.ts";

/** Pictures of one job in the works at once: decoding runs on libuv's threads beside this one. */
const lanes = 6;

// The parent is `picture-loader.ts`, which sends nothing else.
const setup: PictureThreadSetup = workerData;
const renderer = new ViewRenderer(setup);

// Every picture is decoded once, so libvips' own cache would only take memory.
sharp.cache(false);
sharp.concurrency(1);

let queue = Promise.resolve();
parentPort?.on("message", (job: PictureJob) => {
  queue = queue.then(() => work(job)).then((reply) => parentPort?.postMessage(reply));
});

async function work({ job, views, rows }: PictureJob): Promise<PictureReply> {
  const out = new Float32Array(rows);
  const { width, height } = setup.preprocessing;
  const pending = views.values();
  const lane = async () => {
    for (const view of pending) await renderer.render(view, out, view.row * 3 * width * height);
  };
  const results = await Promise.allSettled(Array.from({ length: lanes }, lane));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return { job };
  if (failed.reason instanceof ThawError) return { job, fault: failed.reason.fault };
  throw failed.reason;
}
