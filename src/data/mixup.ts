import { type Random, randomFor } from "./random.ts";

/** A batch: `inputs` and `targets` hold `rows` rows each, one after the other. */
export interface MixupBatch {
  readonly inputs: Float32Array;
  /** Target probabilities [rows, classes]. */
  readonly targets: Float32Array;
  readonly rows: number;
}

/**
 * Mixes every row with another of the batch, inputs and targets alike, by one share drawn from
 * Beta(alpha, alpha). Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018).
 * @param alpha above 0; 0.2 mixes lightly
 * @param step with the seed decides the draw
 */
export function mixup(batch: MixupBatch, alpha: number, seed: number, step: number): MixupBatch {
  const random = randomFor("mixup", seed, step);
  const share = drawBeta(alpha, random);
  const partners = random.shuffle(Array.from({ length: batch.rows }, (_, i) => i));
  return {
    inputs: blend(batch.inputs, partners, share),
    targets: blend(batch.targets, partners, share),
    rows: batch.rows,
  };
}

function blend(values: Float32Array, partners: readonly number[], share: number): Float32Array {
  const length = values.length / partners.length;
  const out = new Float32Array(values.length);
  partners.forEach((partner, row) => {
    for (let i = 0; i < length; i++) {
      const own = values[row * length + i] ?? 0;
      out[row * length + i] = share * own + (1 - share) * (values[partner * length + i] ?? 0);
    }
  });
  return out;
}

function drawBeta(alpha: number, random: Random): number {
  const [a, b] = [drawGamma(alpha, random), drawGamma(alpha, random)];
  return a + b === 0 ? 0.5 : a / (a + b);
}

/** Source: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables" (2000). */
function drawGamma(shape: number, random: Random): number {
  if (shape < 1) return drawGamma(shape + 1, random) * (1 - random.between(0, 1)) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(random);
    const v = (1 + c * x) ** 3;
    const u = 1 - random.between(0, 1);
    if (v > 0 && Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

function drawNormal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.between(0, 1)));
  return radius * Math.cos(2 * Math.PI * random.between(0, 1));
}
