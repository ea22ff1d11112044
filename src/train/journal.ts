import { z } from "zod";
import { arm, trialResult } from "../plan/balance-search.ts";
import { overruling, verdict } from "../plan/verdict.ts";
import { cacheChoice } from "./choose-cache.ts";
import { divergedEvent, epochEvent, stepEvent, stoppedEvent } from "./fit-events.ts";
import { overfittingVerdict } from "./overfitting.ts";

/** The linear probe is trained. */
const probeEntry = z.object({
  kind: z.literal("probe"),
  l2: z.number().positive(),
  iterations: z.int().nonnegative(),
  validationLoss: z.number(),
  validationAccuracy: z.number(),
  seconds: z.number().nonnegative(),
});

/** Where the activations at a cut are kept. */
const cacheEntry = z.object({ kind: z.literal("cache"), cut: z.string(), choice: cacheChoice });

/** A trial of the race or the balance search is done. */
const trialEntry = z.object({ kind: z.literal("trial"), arm, result: trialResult });

/** The race or the search is over. */
const choiceEntry = z.object({
  kind: z.literal("choice"),
  arm,
  reason: z.enum(["settled", "complete", "time"]),
});

const overfittingEntry = z.object({ kind: z.literal("overfitting"), verdict: overfittingVerdict });

/** Fine-tuned against the linear probe, and measured against the rule. */
const verdictEntry = z.object({
  kind: z.literal("verdict"),
  verdict,
  overruled: overruling.nullable(),
});

/** A state that can be resumed from is on disk. */
const checkpointEntry = z.object({
  kind: z.literal("checkpoint"),
  epoch: z.int().nonnegative(),
  step: z.int().nonnegative(),
});

const warningEntry = z.object({ kind: z.literal("warning"), says: z.string() });

/** One line of `journal.ndjson` about training. A resumed run may repeat lines since its checkpoint. */
export const journalEntry = z.discriminatedUnion("kind", [
  probeEntry,
  cacheEntry,
  trialEntry,
  choiceEntry,
  stepEvent,
  epochEvent,
  divergedEvent,
  stoppedEvent,
  overfittingEntry,
  verdictEntry,
  checkpointEntry,
  warningEntry,
]);
export type JournalEntry = z.infer<typeof journalEntry>;

/** One entry as a line, its line break included. */
export function writeEntry(entry: JournalEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * The entries of a journal. A last line without a line break is what a crash left of it and is
 * passed over, as is any line that is no entry: other parts of a run write to the same file.
 */
export function readJournal(text: string): JournalEntry[] {
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const entry = journalEntry.safeParse(parse(line));
      return entry.success ? [entry.data] : [];
    });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
