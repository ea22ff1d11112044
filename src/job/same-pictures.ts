import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ThawError } from "../errors.ts";
import { plural } from "../report/format.ts";
import type { Pictures } from "./pictures.ts";
import { json, type Steps } from "./steps.ts";

/** What a run computes from, in the order of the samples: what it keeps is numbered by them. */
const known = z.array(
  z.object({
    id: z.string(),
    /** Class and content. */
    shows: z.string(),
    side: z.enum(["train", "val", "test"]),
  }),
);
type Known = z.infer<typeof known>;

const mostNamed = 20;

/**
 * Makes sure that a resumed run sees the pictures it began with, on the same sides of the split.
 * @returns true where they changed and that was accepted: nothing computed before holds any more
 * @throws ThawError `job/dataset-changed` with the list of differences
 */
export async function checkSamePictures(
  { dataset, digests, sides }: Pictures,
  steps: Steps,
  accept: boolean,
  where: string,
): Promise<boolean> {
  const now = dataset.samples.map(({ id, label }, index) => ({
    id,
    shows: `${dataset.classes[label] ?? ""}/${digests[index] ?? ""}`,
    side: sides[index] ?? "train",
  }));
  const before = await steps.once("pictures", json(known), async () => now);
  if (isDeepStrictEqual(before, now)) return false;
  if (accept) return true;
  const differences = listDifferences(before, now);
  const named = differences.slice(0, mostNamed).join(", ");
  const more = differences.length > mostNamed ? ` and ${differences.length - mostNamed} more` : "";
  throw new ThawError({
    code: "job/dataset-changed",
    what: `The pictures have changed since this run began: ${named}${more}`,
    where,
    next: "Put them back, or run `thaw resume --accept-changes` to train on what is there now.",
    details: { differences },
  });
}

function listDifferences(before: Known, now: Known): string[] {
  const was = new Map(before.map((one) => [one.id, one]));
  const is = new Map(now.map((one) => [one.id, one]));
  const differences = [
    ...before.flatMap(({ id, shows }) => {
      const found = is.get(id)?.shows;
      return found === undefined ? [`${id} is gone`] : found === shows ? [] : [`${id} changed`];
    }),
    ...now.flatMap(({ id }) => (was.has(id) ? [] : [`${id} is new`])),
  ];
  const moved = now.filter(({ id, side }) => (was.get(id)?.side ?? side) !== side).length;
  if (moved > 0) {
    differences.push(
      `${plural(moved, "picture")} ${moved === 1 ? "stands" : "stand"} on another side of the split`,
    );
  }
  return differences.length > 0 ? differences : ["the pictures are listed in another order"];
}
