import { readFile } from "node:fs/promises";
import { plainGeometry, writePlain } from "../data/preprocess.ts";
import { ThawError } from "../errors.ts";
import { decodePicture } from "../node/picture-decoder.ts";
import { errorCode } from "../node/write-file.ts";
import { openResult, readResult } from "./result-model.ts";

/** What a model says about one picture. */
export interface Prediction {
  /** The likeliest class. */
  readonly label: string;
  /** Its calibrated probability, 0 to 1. */
  readonly probability: number;
  /** Every class with its probability, likeliest first. */
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
}

/** A fine-tuned model ready to be asked. Calls may overlap. */
export interface Predictor {
  readonly labels: readonly string[];
  /**
   * @param picture a file's path, or its encoded bytes (JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF)
   * @throws ThawError `data/unreadable-picture`, `data/missing`
   */
  predict(picture: string | Uint8Array): Promise<Prediction>;
  close(): Promise<void>;
}

/**
 * Opens a fine-tuned model.
 * @param modelOrRun a run's folder or a `model.onnx` that Thaw wrote
 * @throws ThawError `job/no-model`, `job/not-a-result`, `onnx/*`, `runtime/*`
 */
export async function load(
  modelOrRun: string,
  { threads }: { readonly threads?: number } = {},
): Promise<Predictor> {
  const model = await openResult(await readResult(modelOrRun), modelOrRun, threads);
  const { preprocessing, labels } = model;
  return {
    labels,
    close: () => model.close(),
    async predict(picture) {
      const name = typeof picture === "string" ? picture : "picture";
      const bytes = typeof picture === "string" ? await readPicture(picture) : picture;
      const image = await decodePicture(
        bytes,
        (width, height) => plainGeometry(preprocessing, width, height),
        preprocessing.interpolation,
        name,
      );
      const pixels = new Float32Array(3 * preprocessing.height * preprocessing.width);
      writePlain(image, preprocessing, pixels, 0);
      const probabilities = await model.run(pixels);
      const classes = labels
        .map((label, index) => ({ label, probability: probabilities[index] ?? 0 }))
        .sort((a, b) => b.probability - a.probability);
      const [best] = classes;
      return { label: best?.label ?? "", probability: best?.probability ?? 0, classes };
    },
  };
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new ThawError(
      {
        code: errorCode(cause) === "ENOENT" ? "data/missing" : "data/unreadable-picture",
        what:
          errorCode(cause) === "ENOENT"
            ? "There is no such picture"
            : `The picture cannot be read (${errorCode(cause) ?? String(cause)})`,
        where: path,
        next: "Check the path and its permissions.",
      },
      cause,
    );
  }
}
