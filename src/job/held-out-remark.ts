import { clearly } from "../plan/compare.ts";
import { plural } from "../report/format.ts";
import { argmaxRows } from "../train/softmax.ts";
import type { Judgement } from "./judge-model.ts";

/** How a network did on the held-out pictures. */
interface HeldOut {
  /** [N, classes] */
  readonly probabilities: ArrayLike<number>;
  readonly metrics: Pick<Judgement["metrics"], "loss">;
}

/**
 * A sentence where the model did worse than the linear probe on the held-out pictures, by accuracy
 * and by loss. It only tells: pictures that choose a model can no longer judge it.
 * @param labels of the held-out pictures, each from 0 to `classes` - 1
 */
export function heldOutRemark(
  model: HeldOut,
  probe: HeldOut,
  labels: readonly number[],
  classes: number,
): string | undefined {
  const hits = ({ probabilities }: HeldOut) => {
    const predicted = argmaxRows(probabilities, classes);
    return labels.map((label, row) => predicted[row] === label);
  };
  const ours = hits(model);
  const theirs = hits(probe);
  const lost = labels.filter((_, row) => theirs[row] && !ours[row]).length;
  const won = labels.filter((_, row) => ours[row] && !theirs[row]).length;
  const more = lost - won;
  if (more <= 0 || model.metrics.loss <= probe.metrics.loss) return undefined;
  // McNemar's test (1947): chance moves the difference by the root of the pictures that differ.
  const clear = more > clearly * Math.sqrt(lost + won);
  const meaning = clear
    ? "that is more than chance explains, but held-out pictures judge a model and do not choose it"
    : "so few cannot tell the two apart";
  return `On ${plural(labels.length, "held-out picture")} the linear probe was right on ${more} more; ${meaning}.`;
}
