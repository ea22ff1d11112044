import { fitTemperature } from "../evaluate/calibration.ts";
import { crossEntropies } from "../train/softmax.ts";

/**
 * The loss of every picture, nats, at the temperature that suits these logits best. What is handed
 * back is calibrated the same way, so two trainings are compared by what they know of the
 * pictures, not by how sure of themselves they happen to be.
 * @param logits [N, classes]
 */
export function calibratedLosses(
  logits: Float32Array,
  labels: readonly number[],
  classes: number,
): Float64Array {
  return crossEntropies(logits, labels, classes, fitTemperature(logits, labels, classes));
}
