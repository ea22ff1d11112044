import type { BatchNormDrift } from "./batchnorm-drift.ts";
import type { DepthCurve, SimilarityEvidence, SimilarityVerdict } from "./measurement.ts";
import type { ReferenceDistance } from "./reference-card.ts";

/** What is known; a source the network cannot give is absent. */
export interface SimilaritySources {
  readonly card?: ReferenceDistance;
  readonly drift?: BatchNormDrift;
  readonly depth?: DepthCurve;
}

/**
 * How a source's figure becomes log-odds of "similar": `slope * ln(figure / even)`, negative where
 * larger figures mean less similar. `even` is where photographs of everyday things and other
 * pictures are equally likely, `doubt` the standard deviation of the log-odds between networks and
 * datasets that should score alike. Fitted on about 55 folders (photographs, scans, drawings,
 * icons, charts, noise, degraded photographs) and two networks, whose scales agreed
 * but for transferability, which depends most on the network and the task: hence its large doubt.
 */
interface Scale {
  readonly even: number;
  readonly slope: number;
  readonly doubt: number;
}
const scales: Readonly<Record<SimilarityEvidence["source"], Scale>> = {
  "reference-card": { even: 0.45, slope: -3, doubt: 0.7 },
  "batchnorm-drift": { even: 0.028, slope: -2, doubt: 0.9 },
  transferability: { even: 0.2, slope: 1.5, doubt: 2.5 },
};

/** A verdict other than `ambiguous` must be at least this likely. */
const sure = 0.75;

/** Combines the sources into one verdict: the mean of their log-odds, weighted by how firm each is. */
export function judgeSimilarity(sources: SimilaritySources): SimilarityVerdict {
  const evidence = [
    ...(sources.card === undefined ? [] : [cardEvidence(sources.card)]),
    ...(sources.drift === undefined ? [] : [driftEvidence(sources.drift)]),
    ...(sources.depth === undefined ? [] : [depthEvidence(sources.depth)]),
  ];
  let precision = 0;
  let odds = 0;
  for (const one of evidence) {
    const scale = scales[one.source];
    const sampling = (scale.slope * one.standardError) / Math.max(one.value, floor(scale));
    const weight = 1 / (scale.doubt ** 2 + sampling ** 2);
    precision += weight;
    odds += weight * logOdds(scale, one.value);
  }
  const mean = precision === 0 ? 0 : odds / precision;
  const spread = 1 / Math.sqrt(Math.max(precision, 1e-9));
  const confidence = normalCdf(Math.abs(mean) / spread);
  return {
    verdict: confidence < sure ? "ambiguous" : mean > 0 ? "similar" : "dissimilar",
    score: logistic(mean),
    confidence,
    evidence,
    missing: missing(sources),
  };
}

function cardEvidence(distance: ReferenceDistance): SimilarityEvidence {
  return {
    source: "reference-card",
    score: score("reference-card", distance.value),
    ...distance,
    says: `To the network these pictures lie ${distance.value.toFixed(2)} of the pretraining pictures' own spread away from them; everyday photographs lie below ${scales["reference-card"].even}.`,
  };
}

function driftEvidence({ value, standardError }: BatchNormDrift): SimilarityEvidence {
  return {
    source: "batchnorm-drift",
    score: score("batchnorm-drift", value),
    value,
    standardError,
    says: `Inside the network the activations differ by ${percent(value)} from those its normalisation layers remember of the pretraining pictures; everyday photographs differ by less than ${percent(scales["batchnorm-drift"].even)}.`,
  };
}

function depthEvidence({ gain, points, peak }: DepthCurve): SimilarityEvidence {
  const deepest = peak === points.length - 1;
  return {
    source: "transferability",
    score: score("transferability", gain.value),
    ...gain,
    says: `The deeper half of the network adds ${percent(gain.value)} to what a linear classifier explains of your classes (typical for familiar pictures: more than ${percent(scales.transferability.even)}); ${deepest ? "its last features separate them best" : `features from ${points[peak]?.name ?? "further in"} separate them as well as any later ones`}.`,
  };
}

function missing({ card, drift, depth }: SimilaritySources): string[] {
  return [
    ...(card === undefined
      ? ["No reference card exists for this network; `thaw models card` makes one."]
      : []),
    ...(drift === undefined
      ? ["The network keeps no normalisation statistics of its pretraining data to compare with."]
      : []),
    ...(depth === undefined
      ? ["Too few labelled pictures to measure how features transfer by depth."]
      : []),
  ];
}

function score(source: SimilarityEvidence["source"], value: number): number {
  return logistic(logOdds(scales[source], value));
}

/**
 * Figures below this are within what sampling alone produces; their logarithm would run away.
 * A high floor where low figures mean dissimilar keeps one flat curve from deciding alone.
 */
function floor({ even, slope }: Scale): number {
  return even / (slope > 0 ? 3 : 10);
}

function logOdds(scale: Scale, value: number): number {
  return scale.slope * Math.log(Math.max(value, floor(scale)) / scale.even);
}

function logistic(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

/** Standard normal distribution function; Abramowitz and Stegun 7.1.26, error below 1e-6. */
function normalCdf(z: number): number {
  const x = z / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const poly =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - poly * Math.exp(-x * x);
  return 0.5 * (1 + Math.sign(x) * erf);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
