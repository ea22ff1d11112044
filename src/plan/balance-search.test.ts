import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Arm,
  advantage,
  next,
  record,
  type SearchState,
  searchState,
  startSearch,
} from "./balance-search.ts";

const arms: Arm[] = [6, 3, 2, 4, 1, 5].map((thawIndex, id) => ({
  id,
  thawIndex,
  augmentation: "light",
  learningRate: 1e-3,
  work: thawIndex === 6 ? 0 : 0.25,
}));

/** Runs a search in which arm `a` has this loss on picture `p`; the state passes through JSON. */
function run(
  loss: (arm: Arm, picture: number) => number,
  limits: { budget?: number; budgetSeconds?: number } = {},
) {
  let state: SearchState = startSearch({
    arms,
    epochsShare: 0.5,
    rungs: [1, 2, 3],
    headIndex: 6,
    budget: 100,
    ...limits,
  });
  for (let count = 0; ; count++) {
    const step = next(state);
    if (step.kind === "done") return { ...step, state, count };
    const { arm, fold } = step.trial;
    const losses = Array.from({ length: 30 }, (_, p) => loss(arm, fold * 30 + p)).filter(
      Number.isFinite,
    );
    state = searchState.parse(
      JSON.parse(JSON.stringify(record(state, { arm: arm.id, fold, losses, seconds: 1 }))),
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

test("leans to training the most layers where nothing sets the arms apart", () => {
  const { choice } = run((arm, p) => (arm.thawIndex === 6 ? 1.1 : 1) + wobble(arm, p));
  expect(choice.thawIndex).toBe(1);
});

test("keeps the classifier alone only where it is better than every other beyond doubt", () => {
  const { choice } = run((arm, p) => (arm.thawIndex === 6 ? 0.8 : 1) + wobble(arm, p));
  expect(choice.thawIndex).toBe(6);
  const close = run((arm, p) => (arm.thawIndex === 6 ? 0.93 : 1) + wobble(arm, p));
  expect(close.choice.thawIndex).toBe(1);
});

test("an arm that is clearly worse than another trained one is not chosen, however the classifier does", () => {
  // Against the classifier all errors are wide; thawing from 1 is always a little worse than from 5.
  const { choice } = run((arm, p) => {
    if (arm.thawIndex === 6) return 0.9 + Math.sin(p * 2.3);
    return 1 + 0.01 * Math.sin(p) + (arm.thawIndex === 5 ? 0 : 0.1);
  });
  expect(choice.thawIndex).toBe(5);
});

test("keeps to its budgets of work and of time", () => {
  const deeper = (arm: Arm, p: number) => arm.thawIndex + wobble(arm, p);
  expect(run(deeper, { budget: 0.8 })).toMatchObject({ reason: "budget", count: 4 });
  const hurried = run(deeper, { budgetSeconds: 4 });
  expect(hurried).toMatchObject({ reason: "budget", count: 3 });
  // The head's own trial took all the time there was.
  expect(run(deeper, { budgetSeconds: 0.5 })).toMatchObject({ reason: "budget", count: 1 });
});

test("tries one arm and no other where it is far worse than the classifier", () => {
  const shut = run((arm, p) => (arm.thawIndex === 6 ? 0.5 : 1) + wobble(arm, p));
  expect(shut).toMatchObject({ choice: { thawIndex: 6 }, reason: "settled", count: 2 });
  const open = run((arm, p) => (arm.thawIndex === 6 ? 2 : 1) + wobble(arm, p));
  expect(open.count).toBeGreaterThan(6);
});

test("says by how much the choice did better than another arm", () => {
  const { state, choice } = run((arm, p) => Math.abs(arm.thawIndex - 3) + wobble(arm, p));
  const { difference = 0 } = advantage(state, choice, 6) ?? {};
  expect(difference).toBeLessThan(-2.5);
  expect(advantage(state, choice, 0)).toBeUndefined();
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
        expect(count).toBeLessThanOrEqual(arms.length * 3);
      },
    ),
    { numRuns: 50 },
  );
});
