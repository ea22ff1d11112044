import { depthOf } from "../measure/transferability.ts";
import type { Cut } from "../models/pretrained.ts";

/** The multiply-adds of a backward pass, in forward passes (Kaplan et al., Scaling Laws, 2020). */
const backward = 2;

/**
 * Multiply-adds of a training that thaws from `cut`, relative to a full fine-tuning with the same
 * pictures and epochs. The same on any machine, unlike seconds, so a choice made by it is too.
 * @param views augmented views of each picture that go through the frozen layers once; 0 sends
 *   a fresh one through them every epoch
 */
export function trainingWork(
  cut: Cut,
  { views, epochs }: { readonly views: number; readonly epochs: number },
): number {
  const frozen = depthOf(cut);
  const passes = views === 0 ? epochs : Math.min(views, epochs);
  return 1 - frozen + (frozen * passes) / (epochs * (1 + backward));
}
