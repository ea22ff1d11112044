import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Arm,
  next,
  record,
  type SearchState,
  searchState,
  startSearch,
} from "./balance-search.ts";

const rungs = [
  { folds: 1, epochsShare: 0.25 },
  { folds: 2, epochsShare: 0.5 },
  { folds: 3, epochsShare: 1 },
];
const arms: Arm[] = [6, 3, 2, 4, 1, 5].map((thawIndex, id) => ({
  id,
  thawIndex,
  augmentation: "light",
  learningRate: 1e-3,
}));

/** Runs a search in which arm `a` has this loss on picture `p`; the state passes through JSON. */
function run(loss: (arm: Arm, picture: number) => number, budgetSeconds?: number, seconds = 1) {
  let state: SearchState = startSearch({
    arms,
    rungs,
    headIndex: 6,
    ...(budgetSeconds === undefined ? {} : { budgetSeconds }),
  });
  for (let count = 0; ; count++) {
    const step = next(state);
    if (step.kind === "done") return { ...step, state, count };
    const { arm, rung, fold } = step.trial;
    const losses = Array.from({ length: 30 }, (_, p) => loss(arm, fold * 30 + p)).filter(
      Number.isFinite,
    );
    state = searchState.parse(
      JSON.parse(JSON.stringify(record(state, { arm: arm.id, rung, fold, losses, seconds }))),
    );
  }
}

const wobble = (arm: Arm, picture: number) => 0.3 * Math.sin(picture * 3.7 + arm.id * picture);

test("finds the best cut where it is clearly best, and ends early", () => {
  const { choice, reason, count } = run((arm, p) => Math.abs(arm.thawIndex - 3) + wobble(arm, p));
  expect(choice.thawIndex).toBe(3);
  expect(reason).toBe("settled");
  expect(count).toBeLessThan(arms.length * 3);
});

test("prefers fewer trained layers where nothing sets the arms apart", () => {
  const { choice } = run((arm, p) => 1 + wobble(arm, p));
  expect(choice.thawIndex).toBe(6);
});

test("keeps to its time budget", () => {
  const { reason, count } = run((arm, p) => arm.thawIndex + wobble(arm, p), 4.5);
  expect(reason).toBe("time");
  expect(count).toBe(4);
});

test("drops arms that diverge and never chooses one", () => {
  const { choice } = run((arm, p) => (arm.thawIndex < 6 ? Number.NaN : 1) + wobble(arm, p));
  expect(choice.thawIndex).toBe(6);
});

test("always ends, on an arm it has seen", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 6, maxLength: 6 }),
      (levels) => {
        const { choice, count } = run((arm, p) => (levels[arm.id] ?? 0) + wobble(arm, p));
        expect(arms).toContainEqual(choice);
        expect(count).toBeLessThanOrEqual(arms.length * 6);
      },
    ),
    { numRuns: 50 },
  );
});
