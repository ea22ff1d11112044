import { z } from "zod";
import type { Model } from "../onnx/graph.ts";
import { float32, type Tensor } from "../onnx/tensor.ts";

/** How the weights kept are chosen between those training starts from and those of its best epoch. */
export interface Interpolation {
  /** The coefficient expected before any picture was validated on, 0 (the start) to 1 (the best epoch). */
  readonly prior: number;
  /** Loss of every picture, nats; `logits` are [N, classes]. */
  readonly losses: (
    logits: Float32Array,
    labels: readonly number[],
    classes: number,
  ) => ArrayLike<number>;
}

/** Coefficients whose weights have been judged, and the best of them. */
export const judgedCoefficients = z.object({
  count: z.int().nonnegative(),
  best: z.number().min(0).max(1),
  /** Of the best; see `objective`. */
  objective: z.number(),
});
export type JudgedCoefficients = z.infer<typeof judgedCoefficients>;

export const noneJudged: JudgedCoefficients = { count: 0, best: 1, objective: Number.MAX_VALUE };

/** In the order they are judged; the first is the best epoch itself. */
export const coefficients = [1, 0.75, 0.5, 0.25] as const;

/**
 * Standard deviation of the prior, a normal distribution: a dozen validation pictures move the
 * choice by a quarter, a hundred outweigh it. Chosen together with the priors (`docs/decision.md`).
 */
const priorDeviation = Math.sqrt(0.05);

/**
 * The negative logarithm of a coefficient's posterior probability, but for a constant: the summed
 * validation loss and a normal prior.
 */
export function objective(
  losses: ArrayLike<number>,
  coefficient: number,
  { prior }: Pick<Interpolation, "prior">,
): number {
  const loss = Array.from(losses).reduce((sum, one) => sum + one, 0);
  return loss + ((coefficient - prior) / priorDeviation) ** 2 / 2;
}

/** Takes in the losses at the next coefficient; the first of equally likely ones is the best. */
export function weigh(
  seen: JudgedCoefficients,
  losses: ArrayLike<number>,
  interpolation: Interpolation,
): JudgedCoefficients {
  const count = seen.count + 1;
  const coefficient = coefficients[seen.count];
  if (coefficient === undefined) throw new RangeError("all coefficients have been judged");
  const found = objective(losses, coefficient, interpolation);
  return found < seen.objective
    ? { count, best: coefficient, objective: found }
    : { ...seen, count };
}

/**
 * Weights between a network's own and those that training made of them: start + coefficient *
 * (end - start) (WiSE-FT; Wortsman et al., Robust Fine-Tuning of Zero-Shot Models, 2022).
 * @param end some of the network's initializers, by name
 * @param coefficient 0 to 1; 1 gives `end` itself
 * @param used an earlier result for the same `end` and a coefficient below 1; its arrays are written over
 */
export function interpolate(
  { graph }: Model,
  end: ReadonlyMap<string, Tensor>,
  coefficient: number,
  used?: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  if (coefficient === 1) return end;
  return new Map(
    [...end].map(([name, to]) => {
      const from = graph.initializers.get(name);
      if (from?.type !== "float32" || to.type !== "float32") return [name, to];
      const place = used?.get(name);
      const mixed = place?.type === "float32" ? place.data : new Float32Array(to.data.length);
      const { data } = from;
      to.data.forEach((value, i) => {
        const origin = data[i] ?? 0;
        mixed[i] = origin + coefficient * (value - origin);
      });
      return [name, float32(mixed, to.dims)];
    }),
  );
}
