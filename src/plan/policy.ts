import type { AugmentationStrength } from "../data/view.ts";
import type { DepthCurve, SimilarityVerdict, SizeVerdict } from "../measure/measurement.ts";
import { depthOf } from "../measure/transferability.ts";
import type { Cut } from "../models/pretrained.ts";
import type { Plan, Strategy } from "./plan.ts";
import { type Quadrant, quadrantOf } from "./quadrant.ts";
import { recipeFor } from "./recipe.ts";
import { thawIndex } from "./thaw-point.ts";

/** Everything a plan follows from. */
export interface Situation {
  readonly size: SizeVerdict;
  readonly similarity: SimilarityVerdict;
  /** Absent where it could not be measured; its points are the candidates. */
  readonly depthCurve?: DepthCurve;
  /** Candidate thaw points in depth order: the input first, the classifier last. At least two. */
  readonly cuts: readonly Cut[];
  /** Training pictures. */
  readonly pictures: number;
  readonly classes: number;
  readonly options: PlanOptions;
}

/** What a user may dictate. */
export interface PlanOptions {
  /** Forces a strategy. */
  readonly strategy?: Strategy;
  /** Forces how much pictures are varied while layers of the backbone are trained. */
  readonly augmentation?: AugmentationStrength;
  /** Follows the four-quadrant table blindly. */
  readonly ruleOnly?: boolean;
  readonly epochs?: number;
  readonly batchSize?: number;
}

/** From measurements to a plan: the four-quadrant table is the prior, the check its test. */
export function decide(situation: Situation): Plan {
  const { size, similarity, depthCurve, cuts, options } = situation;
  const quadrant = quadrantOf(size, similarity);
  const wanted = options.strategy ?? quadrant.strategy;
  const curve = options.ruleOnly === true ? undefined : depthCurve;
  const index = thawIndex(wanted, cuts.length, curve);
  const strategy = index === 0 ? "full" : wanted;
  const cut = cuts[index];
  if (cut === undefined) throw new RangeError("a plan needs the candidate thaw points");
  const check = checkFor(situation, quadrant);
  return {
    strategy,
    thawPoint: { cut: cut.value, name: cut.name, depth: depthOf(cut) },
    ...recipeFor(strategy, {
      pictures: situation.pictures,
      classes: situation.classes,
      similarity: similarity.verdict,
    }),
    ...(options.augmentation === undefined || strategy === "head"
      ? {}
      : { augmentation: options.augmentation }),
    ...(options.epochs === undefined ? {} : { epochs: options.epochs }),
    ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
    check,
    rule: { strategy: quadrant.strategy, why: quadrant.why },
    why: reasons(situation, quadrant, strategy, cut, check),
  };
}

/** A search where the balance is hard to find or the evidence disagrees, else a short race. */
function checkFor({ similarity, options }: Situation, quadrant: Quadrant): Plan["check"] {
  if (options.ruleOnly === true || options.strategy !== undefined) return "none";
  if (similarity.verdict === "ambiguous") return "race";
  return quadrant.strategy === "partial" || disagree(similarity) ? "search" : "race";
}

/** Two sources that are each clear, on different sides. */
function disagree({ evidence }: SimilarityVerdict): boolean {
  return (
    evidence.some(({ score }) => score >= clearlySimilar) &&
    evidence.some(({ score }) => score <= 1 - clearlySimilar)
  );
}
const clearlySimilar = 0.75;

function reasons(
  { size, similarity, depthCurve, options }: Situation,
  quadrant: Quadrant,
  strategy: Strategy,
  cut: Cut,
  check: Plan["check"],
): string[] {
  const wanted = options.strategy ?? quadrant.strategy;
  const forced = options.strategy !== undefined;
  return [
    ...(forced ? [`You asked for ${described[wanted]}.`] : []),
    `${size.images} pictures are ${size.verdict === "small" ? "few" : "many"}, and ${resemblance(similarity, quadrant)}.`,
    wanted !== quadrant.strategy
      ? `The rule would have chosen ${described[quadrant.strategy]}.`
      : quadrant.why,
    ...(strategy === wanted
      ? []
      : ["The network has no place in between to thaw from, so the whole of it is trained."]),
    placement(strategy, cut, options.ruleOnly === true ? undefined : depthCurve),
    ...(strategy === "head" ? [] : [retention[similarity.verdict]]),
    ...(options.augmentation === undefined
      ? []
      : [
          `You asked for ${options.augmentation === "none" ? "no" : options.augmentation} augmentation; it is what any layer but the classifier is trained with.`,
        ]),
    forced ? "The strategy was given, so it is carried out without a check." : checks[check],
  ];
}

const described: Readonly<Record<Strategy, string>> = {
  head: "the classifier only",
  rear: "the rear part of the feature extractor and the classifier",
  partial: "some layers of the feature extractor and the classifier",
  full: "the whole network",
};

/** What the recipe's interpolation means, for people. */
const retention: Readonly<Record<SimilarityVerdict["verdict"], string>> = {
  similar:
    "The pretrained weights know such pictures: those handed back are expected half way from where training starts to where it ends, unless validation says otherwise.",
  ambiguous:
    "The weights handed back are expected three quarters of the way from where training starts to where it ends, unless validation says otherwise.",
  dissimilar:
    "The weights handed back are expected to be the fully trained ones, not a blend with those training starts from, unless validation says otherwise.",
};

const checks: Readonly<Record<Plan["check"], string>> = {
  none: "No check was asked for: this plan is carried out as it stands.",
  race: "A short race against the other likely choices checks this on your data, and may overrule it.",
  search:
    "The balance search tries cuts on your data, with --minutes augmentation strengths and learning rates as well, and may overrule this.",
};

function resemblance({ verdict, confidence }: SimilarityVerdict, { similar }: Quadrant): string {
  // A measurement is never certain, however it is rounded.
  const sure = `${Math.min(99, Math.round(100 * confidence))} % sure`;
  switch (verdict) {
    case "similar":
      return `they resemble what the network was pretrained on (${sure})`;
    case "dissimilar":
      return `they are unlike what the network was pretrained on (${sure})`;
    case "ambiguous":
      return `it is not clear whether they resemble what the network was pretrained on; where the rule has to choose, it counts them as ${similar ? "similar" : "dissimilar"}`;
  }
}

function placement(strategy: Strategy, cut: Cut, curve: DepthCurve | undefined): string {
  if (strategy === "head") return "Every layer of the feature extractor stays frozen.";
  if (strategy === "full") return "No layer stays frozen; earlier layers learn more slowly.";
  const peak = curve?.points[curve.peak];
  const inner = curve !== undefined && curve.peak < curve.points.length - 1;
  return inner && peak?.cut === cut.value
    ? `Layers up to ${cut.name} stay frozen: a linear classifier separates your classes there as well as anywhere deeper.`
    : `Layers up to ${cut.name} stay frozen.`;
}
