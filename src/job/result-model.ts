import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ThawError } from "../errors.ts";
import { readDescription } from "../models/metadata.ts";
import type { Preprocessing } from "../models/pretrained.ts";
import { inFile } from "../node/in-file.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { errorCode } from "../node/write-file.ts";
import { readModel } from "../onnx/read.ts";
import { float32 } from "../onnx/tensor.ts";
import { resultInput, resultOutput } from "../train/export.ts";
import { runFiles } from "./run-folder.ts";

/** A model that Thaw made, open for use. */
export interface ResultModel {
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
  /**
   * Calibrated probabilities [N, classes] of raw pixels [N, 3, H, W], 0 to 255, red first.
   */
  run(pixels: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Reads the bytes of a result: a run's folder stands for its `model.onnx`.
 * @throws ThawError `job/no-model`
 */
export async function readResult(path: string): Promise<Uint8Array> {
  const absolute = resolve(path);
  const isFolder = await stat(absolute).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(absolute, runFiles.model) : absolute;
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const isRun = isFolder && existsSync(join(absolute, runFiles.run));
    throw new ThawError(
      {
        code: "job/no-model",
        what:
          errorCode(cause) !== "ENOENT"
            ? "The model cannot be read"
            : isRun
              ? "This run has no model yet"
              : isFolder
                ? "This folder holds no run"
                : "There is no such model",
        where: isFolder && !isRun ? absolute : file,
        next: "Give the folder of a finished run or the model.onnx in it; `thaw resume` finishes a stopped run.",
      },
      cause,
    );
  }
}

/**
 * What a model that Thaw made says about itself.
 * @param where the model's path, for messages
 * @throws ThawError `job/not-a-result` for a network Thaw did not make, `onnx/*`
 */
export async function describeResult(
  bytes: Uint8Array,
  where: string,
): Promise<Pick<ResultModel, "labels" | "preprocessing">> {
  const { labels, preprocessing } = readDescription(await inFile(where, () => readModel(bytes)));
  if (labels === undefined || preprocessing === undefined) {
    throw new ThawError({
      code: "job/not-a-result",
      what: "This model carries no labels and preprocessing, so Thaw did not make it",
      where,
      next: "Give a model.onnx that `thaw train` wrote.",
    });
  }
  return { labels, preprocessing };
}

/**
 * Opens a model for prediction.
 * @param where the model's path, for messages
 * @throws ThawError what `describeResult` throws, `runtime/*`
 */
export async function openResult(
  bytes: Uint8Array,
  where: string,
  threads?: number,
): Promise<ResultModel> {
  const { labels, preprocessing } = await describeResult(bytes, where);
  const session = await onnxRuntime.open(bytes, threads === undefined ? {} : { threads });
  const { height, width } = preprocessing;
  return {
    labels,
    preprocessing,
    async run(pixels) {
      const count = pixels.length / (3 * height * width);
      const outputs = await session.run(
        { [resultInput]: float32(pixels, [count, 3, height, width]) },
        [resultOutput],
      );
      const probabilities = outputs[resultOutput];
      if (probabilities?.type !== "float32") throw new TypeError("probabilities are not float32");
      return probabilities.data;
    },
    close: () => session.release(),
  };
}
