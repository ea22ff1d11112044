import type { SimilarityVerdict } from "../measure/measurement.ts";
import type { Recipe, Strategy } from "./plan.ts";

export interface RecipeFacts {
  /** Training pictures. */
  readonly pictures: number;
  readonly classes: number;
  readonly similarity: SimilarityVerdict["verdict"];
}

const augmentations: Readonly<Record<Strategy, Recipe["augmentation"]>> = {
  head: "none",
  rear: "light",
  partial: "light",
  full: "light",
};

/**
 * What is similar to the pretraining data is known to the weights training starts from: half of the
 * way gave the best networks there, all of it on pictures of another kind (`docs/decision.md`).
 */
const interpolations: Readonly<Record<RecipeFacts["similarity"], number>> = {
  similar: 0.5,
  ambiguous: 0.75,
  dissimilar: 1,
};

/** Pictures seen in one training, all epochs together, within the limits on epochs. */
const seen = 2400;
const epochs = { least: 8, most: 14 };

/**
 * How to train on this much data. The strategies differ in where they thaw, hardly in how they
 * train: AdamW from the linear probe, at a rate that falls from the head towards the front, whose
 * general features need the least change (Howard and Ruder, 2018).
 */
export function recipeFor(
  strategy: Strategy,
  { pictures, classes, similarity }: RecipeFacts,
): Recipe {
  const wanted = Math.round(seen / Math.max(1, pictures));
  return {
    augmentation: augmentations[strategy],
    views: 4,
    learningRate: 1e-3,
    layerDecay: 0.9,
    weightDecay: 2e-2,
    dropout: 0.2,
    epochs: Math.max(epochs.least, Math.min(epochs.most, wanted)),
    batchSize: pictures < 512 ? 16 : 32,
    optimizer: "adamw",
    // With two classes the smoothed target leaves little to tell them apart by.
    labelSmoothing: classes > 2 ? 0.1 : 0.05,
    interpolation: interpolations[similarity],
  };
}
