import type { LinearProbe } from "../train/linear-probe.ts";

/** Logits [N, C] of features [N, D]. */
export function probeLogits(
  { weight, bias }: Pick<LinearProbe, "weight" | "bias">,
  features: Float32Array,
): Float32Array {
  const classes = bias.length;
  const width = weight.length / classes;
  const rows = features.length / width;
  const logits = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const sums = Float64Array.from(bias);
    for (let column = 0; column < width; column++) {
      const value = features[row * width + column] ?? 0;
      for (let c = 0; c < classes; c++) {
        sums[c] = (sums[c] ?? 0) + value * (weight[column * classes + c] ?? 0);
      }
    }
    logits.set(sums, row * classes);
  }
  return logits;
}
