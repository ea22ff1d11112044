import type { Recipe, Strategy } from "./plan.ts";

export interface RecipeFacts {
  /** Training pictures. */
  readonly pictures: number;
  readonly classes: number;
  readonly similar: boolean;
}

interface Habits
  extends Pick<
    Recipe,
    "augmentation" | "views" | "learningRate" | "layerDecay" | "weightDecay" | "dropout"
  > {
  /** Optimizer steps that are usually enough; turned into epochs within the limits. */
  readonly steps: number;
  readonly epochs: readonly [least: number, most: number];
}

/**
 * AdamW throughout. The more layers are trained, the lower the rate and the steeper its decay
 * towards the front, whose general features need the least change (Howard and Ruder, 2018); the
 * fewer pictures, the more augmentation and dropout.
 */
const habits: Readonly<Record<Strategy, Habits>> = {
  head: {
    augmentation: "none",
    views: 1,
    learningRate: 3e-3,
    layerDecay: 1,
    weightDecay: 1e-2,
    dropout: 0.2,
    steps: 1000,
    epochs: [10, 60],
  },
  rear: {
    augmentation: "light",
    views: 4,
    learningRate: 1e-3,
    layerDecay: 0.8,
    weightDecay: 2e-2,
    dropout: 0.2,
    steps: 800,
    epochs: [8, 20],
  },
  partial: {
    augmentation: "medium",
    views: 8,
    learningRate: 1e-3,
    layerDecay: 0.8,
    weightDecay: 5e-2,
    dropout: 0.3,
    steps: 500,
    epochs: [12, 40],
  },
  full: {
    augmentation: "light",
    views: 0,
    learningRate: 1e-3,
    layerDecay: 0.8,
    weightDecay: 2e-2,
    dropout: 0.2,
    steps: 1000,
    epochs: [8, 30],
  },
};

/** Layers far from what they were pretrained on must move more: the decay is flatter. */
const unfamiliarDecay = 0.9;

/** How to train a strategy on this much data. */
export function recipeFor(strategy: Strategy, { pictures, classes, similar }: RecipeFacts): Recipe {
  const { steps, epochs, ...usual } = habits[strategy];
  const batchSize = pictures < 256 ? 16 : 32;
  const wanted = Math.round(steps / Math.max(1, pictures / batchSize));
  return {
    ...usual,
    layerDecay: similar ? usual.layerDecay : Math.max(usual.layerDecay, unfamiliarDecay),
    epochs: Math.max(epochs[0], Math.min(epochs[1], wanted)),
    batchSize,
    optimizer: "adamw",
    // With two classes the smoothed target leaves little to tell them apart by.
    labelSmoothing: classes > 2 ? 0.1 : 0.05,
  };
}
