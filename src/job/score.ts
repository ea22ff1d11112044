import type { Calibration } from "../evaluate/calibration.ts";
import type { Metrics } from "../evaluate/metrics.ts";
import type { Score } from "./result.ts";

/** Metrics and calibration as one flat record with classes by name. */
export function scoreOf(metrics: Metrics, { ece }: Calibration, classes: readonly string[]): Score {
  return {
    images: metrics.pictures,
    accuracy: metrics.accuracy,
    interval: metrics.accuracyInterval,
    balancedAccuracy: metrics.balancedAccuracy,
    macroF1: metrics.macroF1,
    loss: metrics.loss,
    ece,
    ...(metrics.top5 === undefined ? {} : { top5: metrics.top5 }),
    perClass: metrics.perClass.map(({ support, ...figures }, index) => ({
      name: classes[index] ?? String(index),
      ...figures,
      images: support,
    })),
  };
}
