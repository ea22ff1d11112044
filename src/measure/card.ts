import { z } from "zod";
import { ThawError } from "../errors.ts";
import { referenceStatistics } from "./reference-card.ts";

/** A reference card: statistics of a model's features on a sample of its pretraining data. */
export const card = z.object({
  format: z.literal("thaw-card/1"),
  /** The model's short name. */
  model: z.string().min(1),
  /** SHA-256 of the weights file the features come from, lower-case hex. */
  modelSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What the sample of the pretraining data is, in words. */
  sample: z.string().min(1),
  /** The command that made the card. */
  command: z.string().min(1),
  /** Distance of the pictures kept out of the statistics to them: what "the same data" scores. */
  selfDistance: z.number().nonnegative(),
  statistics: referenceStatistics,
});
export type Card = z.infer<typeof card>;

/** The card as a JSON file. */
export function writeCard(value: Card): string {
  return `${JSON.stringify(value, (_, field) => (typeof field === "number" ? Number(field.toPrecision(7)) : field), 1)}\n`;
}

/** @throws ThawError `measure/bad-card` */
export function readCard(text: string, where: string): Card {
  try {
    return card.parse(JSON.parse(text));
  } catch (cause) {
    throw new ThawError(
      {
        code: "measure/bad-card",
        what: "This is not a sound reference card",
        where,
        next: "Make it again with `thaw models card`, or remove it.",
      },
      cause,
    );
  }
}
