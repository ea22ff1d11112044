import { expect, test } from "vitest";
import { record, startSearch } from "./balance-search.ts";
import { type Course, overruled } from "./overruling.ts";
import type { Plan } from "./plan.ts";

/** A race of the classifier only (8), some layers (4) and the whole network (0), on one fold. */
function raced(...losses: readonly (readonly number[])[]) {
  const begun = startSearch({
    arms: [8, 4, 0].map((thawIndex, id) => ({
      id,
      thawIndex,
      augmentation: "none",
      learningRate: 0.001,
      work: (8 - thawIndex) / 40,
    })),
    epochsShare: 0.45,
    rungs: [1],
    headIndex: 8,
    budget: 0.5,
  });
  return losses.reduce(
    (state, of, arm) => record(state, { arm, fold: 0, losses: [...of], seconds: 1 }),
    begun,
  );
}

function told(
  rule: Plan["rule"]["strategy"],
  course: Course,
  check: Plan["check"] = "race",
): string | undefined {
  return overruled({ check, rule: { strategy: rule, why: "" } }, course)?.says;
}

const head = { strategy: "head", thawIndex: 8 } as const;
const partial = { strategy: "partial", thawIndex: 4 } as const;
const [usual, lower, alike] = [
  [1, 1.2, 0.8],
  [0.7, 1, 0.6],
  [1.1, 1, 1],
];
const diverged: number[] = [];
const worst = [5, 6, 7];

test("says what a measurement that overrules the rule found", () => {
  const says = told("head", { ...partial, ruleIndex: 8, search: raced(usual, lower, worst) });
  expect(says).toContain("did better: on pictures held back its loss was lower by 0.23");
  expect(says).toContain("(standard error 0.03)");
  const unclear = told("head", { ...partial, ruleIndex: 8, search: raced(usual, alike, worst) });
  expect(unclear).toContain("higher by 0.03");
  expect(unclear).not.toContain("did better");
});

test("claims no comparison with what the rule says where there was none", () => {
  const search = raced(usual, lower, diverged);
  expect(told("full", { ...partial, ruleIndex: 0, search })).toBe(
    "The rule says training the whole network; of what was tried on your pictures, training some layers was the best bet, so that was done.",
  );
  const single = raced([1], [0.7], diverged);
  expect(told("head", { ...partial, ruleIndex: 8, search: single })).toContain("the best bet");
});

test.each([
  ["before the check", undefined],
  ["after its first trial", raced(usual)],
])("says that the time was up %s", (_, search) => {
  expect(told("full", { ...head, ruleIndex: 0, search })).toBe(
    "The rule says training the whole network; the time was up before anything could be compared, so what was done is training the classifier only.",
  );
});

test("says that the linear probe was kept where training what was chosen ended worse", () => {
  const search = raced(usual, lower, diverged);
  expect(told("partial", { ...head, ruleIndex: 4, search })).toBe(
    "The rule says training some layers; what was trained ended clearly worse than the linear probe on the validation pictures, so the linear probe is kept.",
  );
});

test("says nothing where the rule was followed or nothing was checked", () => {
  const search = raced(usual, lower, worst);
  expect(told("partial", { ...partial, ruleIndex: 4, search })).toBeUndefined();
  expect(told("rear", { ...partial, ruleIndex: 4, search })).toBeUndefined();
  expect(told("full", { ...partial, ruleIndex: 0, search: undefined }, "none")).toBeUndefined();
});
