import { expect, test } from "vitest";
import { type JournalEntry, readJournal } from "./journal.ts";

const entries: JournalEntry[] = [
  { kind: "retry", learningRate: 0.1, says: "line\nbreaks stay inside" },
  { kind: "checkpoint", epoch: 1, step: 2, seconds: 0.1 },
  {
    kind: "trial",
    arm: { id: 0, thawIndex: 3, augmentation: "light", learningRate: 1e-3, work: 0.2 },
    result: { arm: 0, fold: 1, losses: [0.1, 0.2], seconds: 1.5 },
  },
  { kind: "stopped", reason: "patience", bestEpoch: 4, coefficient: 0.5, seconds: 12 },
];
const lines = entries.map((entry) => JSON.stringify(entry));

test("entries come back as they were written", () => {
  expect(readJournal(`${lines.join("\n")}\n`)).toEqual(entries);
});

test("lines torn by a crash are passed over", () => {
  const torn = [lines[0], lines[1]?.slice(0, 9), lines[2], lines[3]?.slice(0, 30)];
  expect(readJournal(torn.join("\n"))).toEqual([entries[0], entries[2]]);
});
