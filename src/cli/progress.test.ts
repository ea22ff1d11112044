import { afterEach, expect, it, vi } from "vitest";
import { openProgress } from "./progress.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("tells a log file now and then how far it is and what is left, but not of nothing left", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const progress = openProgress();
  progress.show({ kind: "phase", says: "Training" });
  progress.show({ kind: "progress", done: 1, total: 10 });
  for (const done of [5, 10]) {
    vi.advanceTimersByTime(40_000);
    progress.show({ kind: "progress", done, total: 10 });
  }
  expect(write.mock.calls.map(([text]) => text)).toEqual([
    "Training\n",
    "  5 of 10, about 40 s left\n",
    "  10 of 10\n",
  ]);
});
