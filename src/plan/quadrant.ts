import type { SimilarityVerdict, SizeVerdict } from "../measure/measurement.ts";
import type { Strategy } from "./plan.ts";

/** One field of the four-quadrant table. */
export interface Quadrant {
  readonly size: SizeVerdict["verdict"];
  readonly similar: boolean;
  readonly strategy: Strategy;
  /** The table's reason, one sentence for the user. */
  readonly why: string;
}

const table: readonly Quadrant[] = [
  {
    size: "large",
    similar: true,
    strategy: "rear",
    why: "With more than 1000 pictures that resemble what the network knows, the rule trains the rear part of the feature extractor and the classifier: the rear layers carry the features most specific to the pictures, and training every layer would be wasteful.",
  },
  {
    size: "large",
    similar: false,
    strategy: "full",
    why: "With more than 1000 pictures unlike those the network was pretrained on, the rule trains the whole network: so much data keeps the risk of overfitting low, and the pretrained weights are still a useful start.",
  },
  {
    size: "small",
    similar: true,
    strategy: "head",
    why: "With at most 1000 pictures that resemble what the network knows, the rule trains the classifier only: a complex model catches every small peculiarity of few samples and takes them for the whole.",
  },
  {
    size: "small",
    similar: false,
    strategy: "partial",
    why: "With at most 1000 pictures unlike those the network was pretrained on, the rule trains some layers of the feature extractor: too many would overfit at once, too few would learn nothing, so a balance is needed, and augmentation enlarges the data.",
  },
];

/** Where a dataset stands; an ambiguous one stands where its score leans. */
export function quadrantOf(size: SizeVerdict, similarity: SimilarityVerdict): Quadrant {
  const similar =
    similarity.verdict === "ambiguous" ? similarity.score >= 0.5 : similarity.verdict === "similar";
  const found = table.find((entry) => entry.size === size.verdict && entry.similar === similar);
  if (found === undefined)
    throw new RangeError("the table has a row for every size and similarity");
  return found;
}
