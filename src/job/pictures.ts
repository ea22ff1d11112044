import { type Audit, auditDataset } from "../data/audit.ts";
import type { Dataset, Split } from "../data/dataset.ts";
import { isReadable, type PictureFacts, type UnreadablePicture } from "../data/picture-facts.ts";
import { assignSplits } from "../data/split.ts";
import type { Cluster } from "../data/stratify.ts";
import { requireSides, requireTrainable, withoutSamples } from "../data/trainable.ts";
import { ThawError } from "../errors.ts";
import type { DecodedPictures } from "../node/decoded-pictures.ts";
import { auditFindings } from "../report/audit-findings.ts";
import { plural } from "../report/format.ts";
import type { JobContext } from "./events.ts";
import { examineFolder } from "./examine-folder.ts";
import type { InspectOptions } from "./options.ts";

/** A dataset as a job works with it: readable pictures only, audited and split. */
export interface Pictures {
  readonly dataset: Dataset;
  /** SHA-256 of each sample's encoded picture. */
  readonly digests: readonly string[];
  readonly audit: Audit;
  /** Samples that show the same picture and must stay on one side of a split. */
  readonly alike: readonly Cluster[];
  /** The side of each sample. */
  readonly sides: readonly Split[];
}

/**
 * Reads, audits and splits a folder of pictures.
 * @param decoded takes what was decoded on the way
 * @throws ThawError `data/*`, and `job/strict` when asked to be strict about findings
 */
export async function readPictures(
  folder: string,
  options: InspectOptions,
  context: JobContext,
  decoded?: DecodedPictures,
): Promise<Pictures> {
  const { dataset: found, ignored, facts } = await examineFolder(folder, context, decoded);
  const { audit, duplicates, unreadable } = await auditDataset(found, facts, ignored);
  const dataset = withoutSamples(found, unreadable);
  if (options.strict) refuseFindings(audit, dataset.root);
  requireTrainable(dataset);
  if (unreadable.size > 0) {
    context.onEvent?.({
      kind: "note",
      says: `${plural(unreadable.size, "picture")} cannot be read and ${unreadable.size === 1 ? "is" : "are"} left out; the audit lists them.`,
    });
  }
  const alike = options.allowDuplicates ? [] : amongReadable(duplicates.alike, facts);
  const sides = assignSplits(dataset.samples, alike, {
    validation: options.valFraction,
    test: options.testFraction,
    seed: options.seed,
  });
  requireSides(dataset, sides);
  const digests = facts.filter(isReadable).map(({ sha256 }) => sha256);
  return { dataset, digests, audit, alike, sides };
}

/** Groups of all pictures, renumbered for a dataset without the unreadable ones. */
function amongReadable(
  groups: readonly Cluster[],
  facts: readonly (PictureFacts | UnreadablePicture)[],
): Cluster[] {
  let readable = 0;
  const numbers = facts.map((entry) => (isReadable(entry) ? readable++ : -1));
  return groups.map((group) => group.map((index) => numbers[index] ?? -1));
}

function refuseFindings(audit: Audit, where: string): void {
  const findings = auditFindings(audit).filter(({ level }) => level !== "info");
  if (findings.length === 0) return;
  throw new ThawError({
    code: "job/strict",
    what: `The audit found: ${findings.map(({ says }) => says).join("; ")}`,
    where,
    next: "Mend the pictures that `thaw inspect` lists, or run without --strict.",
    details: { findings },
  });
}

/** Indices of the samples on one side. */
export function samplesOn(side: Split, sides: readonly Split[]): number[] {
  return sides.flatMap((own, index) => (own === side ? [index] : []));
}
