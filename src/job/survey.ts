import type { PictureLoader } from "../data/view.ts";
import { measureDrift } from "../measure/batchnorm-drift.ts";
import { collect, type Observations } from "../measure/collect.ts";
import type { DepthCurve, SimilarityVerdict, SizeVerdict } from "../measure/measurement.ts";
import { measureDistance } from "../measure/reference-card.ts";
import { chooseSample } from "../measure/sample.ts";
import { judgeSimilarity } from "../measure/similarity.ts";
import { measureSize } from "../measure/size.ts";
import { measureDepth } from "../measure/transferability.ts";
import { findCard } from "../node/cards.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import type { JobContext } from "./events.ts";
import type { Network } from "./network.ts";
import type { InspectOptions } from "./options.ts";
import { type Pictures, samplesOn } from "./pictures.ts";

/** The two facts that decide how to fine-tune, with their evidence. */
export interface Survey {
  readonly size: SizeVerdict;
  readonly similarity: SimilarityVerdict;
  /** Absent where too few labelled pictures allow none. */
  readonly depthCurve?: DepthCurve | undefined;
}

/** What the frozen backbone says about some pictures. */
export interface KnownFeatures {
  readonly samples: readonly number[];
  /** [samples, D], what a head sees of each. */
  readonly features: Float32Array;
}

/**
 * Measures how much data there is and how similar it is, on training pictures alone.
 * @returns the measurements, and the features that came of the same forward pass
 */
export async function survey(
  pictures: Pictures,
  network: Network,
  loader: PictureLoader,
  options: Pick<InspectOptions, "seed" | "threads">,
  context: JobContext,
): Promise<{ readonly measured: Survey; readonly known: KnownFeatures }> {
  context.onEvent?.({ kind: "phase", says: "Measuring similarity" });
  const samples = chooseSamples(pictures, options.seed);
  const observed = await observe(samples, pictures, network, loader, options, context);
  const card = await findCard(network.pretrained.provenance.sha256);
  const depthCurve = measureDepth(observed.cuts, observed.labels);
  const { norms, embeddings } = observed;
  const measured = {
    size: measureSize(pictures.dataset.samples.length),
    similarity: judgeSimilarity({
      ...(card === undefined || embeddings.rows < 2
        ? {}
        : { card: measureDistance(card.statistics, embeddings) }),
      ...(norms.length === 0
        ? {}
        : {
            drift: measureDrift(
              norms.map(({ layer }) => layer),
              norms.map((norm) => norm.observed),
            ),
          }),
      ...(depthCurve === undefined ? {} : { depth: depthCurve }),
    }),
    ...(depthCurve === undefined ? {} : { depthCurve }),
  };
  return { measured, known: { samples, features: Float32Array.from(embeddings.data) } };
}

function chooseSamples({ dataset, sides }: Pictures, seed: number): number[] {
  const train = samplesOn("train", sides);
  const labels = train.map((sample) => dataset.samples[sample]?.label ?? 0);
  return chooseSample(labels, seed).flatMap((row) => train[row] ?? []);
}

function observe(
  samples: readonly number[],
  { dataset }: Pictures,
  network: Network,
  loader: PictureLoader,
  { threads }: Pick<InspectOptions, "threads">,
  { onEvent, signal }: JobContext,
): Promise<Observations> {
  return collect({
    runtime: onnxRuntime,
    pretrained: network.pretrained,
    shapes: network.shapes,
    cuts: network.candidates,
    loader,
    samples: samples.map((sample) => ({ sample, label: dataset.samples[sample]?.label ?? 0 })),
    ...(threads === undefined ? {} : { threads }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done) => onEvent?.({ kind: "progress", done, total: samples.length }),
  });
}
