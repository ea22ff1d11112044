import { auditDataset } from "../data/audit.ts";
import { isReadable } from "../data/picture-facts.ts";
import { withoutSamples } from "../data/trainable.ts";
import { ThawError } from "../errors.ts";
import type { JobContext } from "./events.ts";
import { examineFolder } from "./examine-folder.ts";
import { judgeModel } from "./judge-model.ts";
import type { Score } from "./result.ts";
import { describeResult, readResult } from "./result-model.ts";
import { scoreOf } from "./score.ts";

/** Every figure of merit of a model on pictures it has not seen. */
export interface Evaluation {
  readonly metrics: Score;
  /** Rows are true classes, columns predicted ones, both in the order of `classes`. */
  readonly confusion: readonly (readonly number[])[];
  readonly classes: readonly string[];
  /** Pictures left out because they cannot be read. */
  readonly unreadable: readonly string[];
}

/**
 * Judges a model on a labelled folder. Its class folders must be among the model's classes.
 * @throws ThawError `job/unknown-class`, `data/no-pictures`, and what reading pictures and models throws
 */
export async function evaluate(
  modelOrRun: string,
  folder: string,
  { threads }: { readonly threads?: number | undefined } = {},
  context: JobContext = {},
): Promise<Evaluation> {
  const bytes = await readResult(modelOrRun);
  const { labels } = await describeResult(bytes, modelOrRun);
  const { dataset: found, facts } = await examineFolder(folder, context);
  const { unreadable } = await auditDataset(found, facts);
  const dataset = withoutSamples(found, unreadable);
  const numbers = found.classes.map((name) => labels.indexOf(name));
  const unknown = found.classes.filter((_, index) => numbers[index] === -1);
  if (unknown.length > 0) {
    throw new ThawError({
      code: "job/unknown-class",
      what: `The model does not know ${unknown.map((name) => `"${name}"`).join(", ")}; it knows ${labels.map((name) => `"${name}"`).join(", ")}`,
      where: folder,
      next: "Name the folders after the model's classes.",
    });
  }
  if (dataset.samples.length === 0) {
    throw new ThawError({
      code: "data/no-pictures",
      what: "None of the pictures can be read",
      where: folder,
      next: "Replace them: Thaw reads JPEG, PNG, WebP, GIF, TIFF, BMP and AVIF.",
      details: { unreadable: facts.filter((one) => !isReadable(one)) },
    });
  }
  context.onEvent?.({ kind: "phase", says: "Judging the model" });
  const examples = dataset.samples.map(({ label }, sample) => ({
    sample,
    label: numbers[label] ?? 0,
  }));
  const { metrics, calibration } = await judgeModel(bytes, dataset, examples, { threads }, context);
  return {
    metrics: scoreOf(metrics, calibration, labels),
    confusion: metrics.confusion,
    classes: labels,
    unreadable: [...unreadable],
  };
}
