import { z } from "zod";
import { arm, trialResult } from "../plan/balance-search.ts";
import { checkpointEvent, divergedEvent, epochEvent, stoppedEvent } from "./fit-events.ts";

/** A trial of the race or the balance search is done. */
const trialEntry = z.object({ kind: z.literal("trial"), arm, result: trialResult });

/** Training is done again at a lower rate. */
const retryEntry = z.object({
  kind: z.literal("retry"),
  learningRate: z.number().positive(),
  says: z.string(),
});

/** One line of `journal.ndjson`. A resumed run may repeat lines since its checkpoint. */
export const journalEntry = z.discriminatedUnion("kind", [
  trialEntry,
  epochEvent,
  divergedEvent,
  checkpointEvent,
  retryEntry,
  stoppedEvent,
]);
export type JournalEntry = z.infer<typeof journalEntry>;

/** The entries of a journal. A line that is none is what a crash left of one and is passed over. */
export function readJournal(text: string): JournalEntry[] {
  return text.split("\n").flatMap((line) => {
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
