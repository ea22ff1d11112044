import { expect, test } from "vitest";
import { type JournalEntry, readJournal, writeEntry } from "./journal.ts";

const entries: JournalEntry[] = [
  { kind: "warning", says: "line\nbreaks stay inside" },
  { kind: "checkpoint", epoch: 1, step: 2 },
  {
    kind: "trial",
    arm: { id: 0, thawIndex: 3, augmentation: "light", learningRate: 1e-3, work: 0.2 },
    result: { arm: 0, fold: 1, losses: [0.1, 0.2], seconds: 1.5 },
  },
  { kind: "stopped", reason: "patience", bestEpoch: 4 },
];

test("entries come back as they were written", () => {
  expect(readJournal(entries.map(writeEntry).join(""))).toEqual(entries);
});

test("a torn last line and lines of other parts are passed over", () => {
  const lines = entries.map(writeEntry);
  const text = `${lines[0]}{"kind":"started"}\nnot json\n${lines[1]}${lines[2]?.slice(0, -5)}`;
  expect(readJournal(text)).toEqual(entries.slice(0, 2));
});
