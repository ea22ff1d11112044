import { z } from "zod";
import { ThawError } from "../errors.ts";
import { jackknife } from "./jackknife.ts";
import { columnMoments, type Matrix, takeRows } from "./linear-algebra.ts";

/** What a reference card remembers of a network's embeddings of its pretraining data. */
export const referenceStatistics = z.object({
  /** Pictures in the sample. */
  pictures: z.int().min(2),
  /** Mean and unbiased variance of every embedding dimension over the sample. */
  mean: z.array(z.number()).min(1),
  variance: z.array(z.number().nonnegative()).min(1),
});
export type ReferenceStatistics = z.infer<typeof referenceStatistics>;

/** The statistics of a sample of the pretraining data; `embeddings` holds a picture a row. */
export function describeReference(embeddings: Matrix): ReferenceStatistics {
  const { mean, std } = columnMoments(embeddings);
  const unbiased = embeddings.rows / (embeddings.rows - 1);
  return {
    pictures: embeddings.rows,
    mean: [...mean],
    variance: [...std].map((value) => value * value * unbiased),
  };
}

/** The distance of new data to a reference, in units of the reference's own spread. */
export interface ReferenceDistance {
  /** 0: the same centre; 1: as far away as the reference's pictures are from their centre. */
  readonly value: number;
  readonly standardError: number;
}

/**
 * Maximum mean discrepancy with the linear kernel, its unbiased estimate (Gretton et al., 2012),
 * divided by the reference's total variance: the squared distance between the two centres,
 * corrected for both sample sizes, relative to how far the reference spreads around its own.
 * @param embeddings a picture a row, at least two, as wide as the card
 * @throws ThawError `measure/wrong-card`
 */
export function measureDistance(
  reference: ReferenceStatistics,
  embeddings: Matrix,
): ReferenceDistance {
  if (reference.mean.length !== embeddings.cols) {
    throw new ThawError({
      code: "measure/wrong-card",
      what: `The reference card describes ${reference.mean.length} features, the network has ${embeddings.cols}`,
      next: "Make the card again for this network with `thaw models card`.",
    });
  }
  const groups = Math.min(8, Math.floor(embeddings.rows / 2));
  const rows = [...Array(embeddings.rows).keys()];
  return {
    value: distance(reference, embeddings),
    standardError:
      groups < 2
        ? 1
        : jackknife(groups, (without) =>
            distance(
              reference,
              takeRows(
                embeddings,
                rows.filter((row) => row % groups !== without),
              ),
            ),
          ),
  };
}

function distance(reference: ReferenceStatistics, embeddings: Matrix): number {
  const { mean, std } = columnMoments(embeddings);
  let between = 0;
  let own = 0;
  let spread = 0;
  for (let j = 0; j < embeddings.cols; j++) {
    between += ((mean[j] ?? 0) - (reference.mean[j] ?? 0)) ** 2;
    own += (std[j] ?? 0) ** 2;
    spread += reference.variance[j] ?? 0;
  }
  const bias = own / (embeddings.rows - 1) + spread / reference.pictures;
  return spread === 0 ? 0 : Math.max(0, (between - bias) / spread);
}
