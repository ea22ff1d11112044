import { join, resolve } from "node:path";
import { isReadable } from "../data/picture-facts.ts";
import { withoutSamples } from "../data/trainable.ts";
import { ThawError } from "../errors.ts";
import { type Card, writeCard } from "../measure/card.ts";
import { collect } from "../measure/collect.ts";
import { takeRows } from "../measure/linear-algebra.ts";
import { describeReference, measureDistance } from "../measure/reference-card.ts";
import { chooseSample } from "../measure/sample.ts";
import { cardFolder } from "../node/cards.ts";
import { makeFolder } from "../node/make-folder.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { openPictureLoader } from "../node/picture-loader.ts";
import { writeFileAtomic } from "../node/write-file.ts";
import type { JobContext } from "./events.ts";
import { examineFolder } from "./examine-folder.ts";
import { openNetwork } from "./network.ts";

export interface CardOptions {
  readonly model: string;
  /** What the pictures are, in words; goes into the card's header. */
  readonly sample: string;
  /** The command that made the card, for its header. */
  readonly command: string;
  readonly seed: number;
  /** Where to write it; the user's card folder when absent. */
  readonly out?: string;
}

/** The share of the pictures the statistics are made of; the others are the control. */
const referenceShare = 0.5;

/**
 * Makes a reference card for a network from a sample of its pretraining data. Half of the
 * pictures make the statistics, the others measure how far the same data lies from itself.
 * @returns the card and the path it was written to
 * @throws ThawError `job/too-few-pictures`, and what reading pictures and models throws
 */
export async function makeCard(
  folder: string,
  options: CardOptions,
  context: JobContext = {},
): Promise<{ readonly card: Card; readonly path: string }> {
  const { dataset: found, facts } = await examineFolder(folder, context);
  const unreadable = new Set(facts.filter((one) => !isReadable(one)).map(({ id }) => id));
  const dataset = withoutSamples(found, unreadable);
  if (dataset.samples.length < 100) {
    throw new ThawError({
      code: "job/too-few-pictures",
      what: `A reference card needs at least 100 pictures of the pretraining data; here are ${dataset.samples.length}`,
      where: folder,
      next: "Give a larger sample.",
    });
  }
  const network = await openNetwork({ model: options.model }, context);
  const { pretrained, shapes, candidates } = network;
  const loader = openPictureLoader(dataset, pretrained.preprocessing, { seed: options.seed });
  context.onEvent?.({ kind: "phase", says: "Running the network" });
  const labels = dataset.samples.map(({ label }) => label);
  const order = chooseSample(labels, options.seed, labels.length);
  try {
    const { embeddings } = await collect({
      runtime: onnxRuntime,
      pretrained,
      shapes,
      cuts: candidates.slice(-1),
      loader,
      samples: order.map((sample) => ({ sample, label: labels[sample] ?? 0 })),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      onProgress: (done) => context.onEvent?.({ kind: "progress", done, total: order.length }),
    });
    const half = Math.round(embeddings.rows * referenceShare);
    const rows = [...Array(embeddings.rows).keys()];
    const statistics = describeReference(takeRows(embeddings, rows.slice(0, half)));
    const control = takeRows(embeddings, rows.slice(half));
    const card: Card = {
      format: "thaw-card/1",
      model: pretrained.name,
      modelSha256: pretrained.provenance.sha256,
      sample: options.sample,
      command: options.command,
      selfDistance: measureDistance(statistics, control).value,
      statistics,
    };
    const target = resolve(options.out ?? cardFolder());
    await makeFolder(target);
    const path = join(target, cardName(card));
    await writeFileAtomic(path, writeCard(card));
    return { card, path };
  } finally {
    await loader.close();
  }
}

/** Many networks share a name; the digest tells them apart. */
function cardName({ model, modelSha256 }: Card): string {
  const name = model.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${name}-${modelSha256.slice(0, 12)}.card.json`;
}
