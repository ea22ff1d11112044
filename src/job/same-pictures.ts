import { z } from "zod";
import { ThawError } from "../errors.ts";
import type { Pictures } from "./pictures.ts";
import { json, type Steps } from "./steps.ts";

const known = z.object({
  fingerprint: z.string(),
  /** Class and content by sample. */
  pictures: z.record(z.string(), z.string()),
});

const mostNamed = 20;

/**
 * Makes sure that a resumed run sees the pictures it began with.
 * @returns true where they changed and that was accepted: nothing computed before holds any more
 * @throws ThawError `job/dataset-changed` with the list of differences
 */
export async function checkSamePictures(
  { dataset, digests, audit }: Pictures,
  steps: Steps,
  accept: boolean,
  where: string,
): Promise<boolean> {
  const now = {
    fingerprint: audit.fingerprint,
    pictures: Object.fromEntries(
      dataset.samples.map(({ id, label }, index) => [
        id,
        `${dataset.classes[label] ?? ""}/${digests[index] ?? ""}`,
      ]),
    ),
  };
  const before = await steps.once("pictures", json(known), async () => now);
  if (before.fingerprint === now.fingerprint) return false;
  if (accept) return true;
  const differences = listDifferences(before.pictures, now.pictures);
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

function listDifferences(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  return [
    ...Object.keys(before).flatMap((id) =>
      now[id] === undefined ? [`${id} is gone`] : now[id] === before[id] ? [] : [`${id} changed`],
    ),
    ...Object.keys(now).flatMap((id) => (before[id] === undefined ? [`${id} is new`] : [])),
  ];
}
