import type { RunRecord } from "./record.ts";

const classes = ["daisy", "dandelion", "roses", "sunflowers", "tulips"];
const share = (value: number) => Math.max(0, Math.min(1, value));
const confusion = classes.map((_, row) =>
  classes.map((__, column) => (row === column ? 29 : column < 4 && row > 1 ? 1 : 0)),
);
const metricsOf = (accuracy: number): RunRecord["metrics"] => ({
  pictures: 165,
  accuracy,
  accuracyInterval: [share(accuracy - 0.05), share(accuracy + 0.04)],
  balancedAccuracy: accuracy,
  macroF1: accuracy - 0.004,
  loss: 0.34,
  perClass: classes.map((_, index) => ({
    precision: 0.85 + index * 0.02,
    recall: 0.82 + index * 0.03,
    f1: 0.84 + index * 0.02,
    support: 33,
  })),
  confusion,
});
const calibrationOf = (ece: number): RunRecord["calibration"]["after"] => ({
  ece,
  bins: Array.from({ length: 15 }, (_, index) => ({
    from: index / 15,
    to: (index + 1) / 15,
    confidence: (index + 0.5) / 15,
    accuracy: share((index + 0.5) / 15 + (index % 3 === 0 ? 0.05 : -0.03)),
    count: index * 3,
  })),
});
/** One grey pixel, a valid JPEG. */
const thumbnail =
  "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=";
const cuts = Array.from({ length: 9 }, (_, index) => ({
  cut: `value_${index}`,
  name: index === 0 ? "input" : `features.${index}`,
  depth: index / 8,
  score: 0.35 + 0.5 * Math.sin(((index + 1) / 9) * 1.7),
  standardError: 0.02,
  explained: 0.4,
}));

/** A plausible run, for tests and for looking at the page. */
export function exampleRecord(): RunRecord {
  return {
    thaw: "0.1.0",
    name: "flowers-1",
    finished: "2026-03-04T10:20:30.000Z",
    dataset: {
      root: "/pictures/flowers",
      layout: "folders",
      images: 1100,
      fingerprint: "b0a1".repeat(16),
      classes: classes.map((name) => ({ name, train: 154, val: 33, test: 33 })),
    },
    audit: [
      {
        level: "error",
        says: "3 pictures stand under two classes",
        pictures: ["roses/1.jpg", "tulips/2.jpg"],
        total: 3,
      },
      { level: "warning", says: "2 near duplicates", pictures: ["roses/8.jpg"], total: 2 },
    ],
    model: {
      name: "MobileNetV3-Small",
      spec: "npm:some-package@1.0.0/model.gguf",
      sha256: "faaa".repeat(16),
      license: "Apache-2.0",
      parameters: 1_520_000,
      inputSize: [224, 224],
      shorterSide: 256,
      interpolation: "bilinear",
    },
    size: { images: 1100, verdict: "large" },
    similarity: {
      verdict: "similar",
      score: 0.81,
      confidence: 0.9,
      evidence: [
        {
          source: "reference-card",
          score: 0.84,
          value: 0.26,
          standardError: 0.02,
          says: "The features lie close to those of the pretraining data (distance 0.26).",
        },
        {
          source: "transferability",
          score: 0.77,
          value: 0.4,
          standardError: 0.05,
          says: "Features are worth most at the very end of the network.",
        },
      ],
      missing: [],
    },
    depthCurve: cuts,
    plan: {
      strategy: "rear",
      thawPoint: { cut: "value_6", name: "features.6", depth: 0.75 },
      augmentation: "light",
      views: 4,
      epochs: 20,
      batchSize: 32,
      learningRate: 0.001,
      layerDecay: 0.8,
      weightDecay: 0.01,
      optimizer: "adamw",
      labelSmoothing: 0.1,
      dropout: 0.2,
      interpolation: 0.5,
      check: "search",
      rule: {
        strategy: "rear",
        why: "large and similar: train the rear part of the feature extractor and the classifier.",
      },
      why: [
        "1100 pictures are more than 1000: enough to train more than the classifier.",
        "The pictures resemble the pretraining data, so the front layers already see what matters.",
      ],
    },
    chosen: {
      strategy: "rear",
      thawPoint: { cut: "value_6", name: "features.6", depth: 0.75 },
      augmentation: "light",
      trainedParameters: 900_000,
      cache: "The frozen layers ran once; 4 views of each picture are kept in memory (120 MB).",
    },
    overruled: null,
    curves: Array.from({ length: 14 }, (_, index) => ({
      epoch: index,
      learningRate: 0.001,
      trainLoss: 1.4 * Math.exp(-index / 3) + 0.05,
      validationLoss: 1.3 * Math.exp(-index / 3) + 0.3 + Math.max(0, index - 8) * 0.02,
      trainAccuracy: share(0.5 + 0.5 * (1 - Math.exp(-index / 3))),
      validationAccuracy: share(0.5 + 0.4 * (1 - Math.exp(-index / 3))),
    })),
    bestEpoch: 9,
    overfitting: {
      verdict: "none",
      gap: 0.03,
      rise: 0.1,
      says: "Validation loss stopped falling after epoch 9; those weights were kept.",
    },
    verdict: "Fine-tuning gained 4.2 points of validation accuracy over the linear probe.",
    trials: (["none", "medium"] as const).flatMap((augmentation, shift) =>
      [0, 0.375, 0.75, 1].map((depth, index) => ({
        name: `features.${index * 2}`,
        depth,
        augmentation,
        learningRate: 0.001,
        folds: [0.4, 0.5],
        mean: 0.6 - 0.3 * Math.sin(depth * 2.2) + shift * 0.04,
        standardError: 0.03,
        chosen: index === 2 && shift === 0,
      })),
    ),
    metrics: metricsOf(0.903),
    baselines: { linearProbe: metricsOf(0.861) },
    calibration: { temperature: 1.21, before: calibrationOf(0.062), after: calibrationOf(0.031) },
    mistakes: [
      { id: "roses/8.jpg", thumbnail, truth: "roses", predicted: "tulips", probability: 0.97 },
    ],
    uncertain: [
      { id: "tulips/3.jpg", thumbnail, truth: "tulips", predicted: "tulips", probability: 0.41 },
    ],
    quantised: { accuracy: 0.897, bytes: 1_700_000, originalBytes: 6_100_000 },
    seconds: { measuring: 6.2, training: 61.3, evaluation: 1.2 },
    peakMemoryMB: 512,
  };
}
