import { describe, expect, test } from "vitest";
import type { SimilarityVerdict } from "../measure/measurement.ts";
import { measureSize } from "../measure/size.ts";
import type { Cut } from "../models/pretrained.ts";
import { plan } from "./plan.ts";
import { decide, type PlanOptions } from "./policy.ts";
import { searchFor } from "./search-space.ts";

const cuts = Array.from(
  { length: 9 },
  (_, i): Cut => ({
    value: `cut${i}`,
    name: i === 0 ? "input" : `block ${i}`,
    depth: i,
    dims: [1, 8, 4, 4],
    parametersBefore: i,
    parametersAfter: 8 - i,
    flopsBefore: i,
    flopsAfter: 8 - i,
  }),
);

function planFor(
  images: number,
  verdict: SimilarityVerdict["verdict"],
  options: PlanOptions = {},
  score = { similar: 0.9, ambiguous: 0.45, dissimilar: 0.1 }[verdict],
) {
  return decide({
    size: measureSize(images),
    similarity: { verdict, score, confidence: 0.999, evidence: [], missing: [] },
    cuts,
    pictures: Math.round(0.7 * images),
    classes: 3,
    options,
  });
}

describe("the four quadrants", () => {
  test.each([
    [400, "similar", "head", "cut8", "race"],
    [400, "dissimilar", "partial", "cut4", "search"],
    [4000, "similar", "rear", "cut6", "race"],
    [4000, "dissimilar", "full", "cut0", "race"],
  ] as const)("%i pictures, %s: %s", (images, verdict, strategy, cut, check) => {
    const made = planFor(images, verdict);
    expect(made).toMatchObject({ strategy, check, thawPoint: { cut }, rule: { strategy } });
    expect(() => plan.parse(made)).not.toThrow();
  });
});

test("an ambiguous verdict races the classifier against some layers", () => {
  const made = planFor(400, "ambiguous");
  expect(made.check).toBe("race");
  const start = cuts.findIndex(({ value }) => value === made.thawPoint.cut);
  const state = searchFor({ plan: made, cuts, start });
  const thawed = state?.arms.map((arm) => arm.thawIndex) ?? [];
  expect(thawed).toContain(8);
  expect(thawed.some((index) => index > 0 && index < 8)).toBe(true);
});

test("an unclear verdict says for what the rule takes it, and no search is promised where none is done", () => {
  const lean = (score: number) =>
    planFor(400, "ambiguous", { ruleOnly: true }, score).why.join(" ");
  expect(lean(0.45)).toMatch(/not clear.*counts them as dissimilar.*unlike/);
  expect(lean(0.55)).toMatch(/not clear.*counts them as similar.*resemble/);
  expect(lean(0.45)).not.toMatch(/search/);
});

test("no measurement is said to be certain", () => {
  expect(planFor(400, "similar").why.join(" ")).toContain("(99 % sure)");
});

test("a forced augmentation is what every layer but the classifier is trained with", () => {
  const strong = planFor(400, "dissimilar", { augmentation: "strong" });
  expect(strong).toMatchObject({ strategy: "partial", augmentation: "strong" });
  expect(strong.why).toContainEqual(expect.stringContaining("You asked for strong augmentation"));
  const searched = searchFor({
    plan: strong,
    cuts,
    start: 4,
    augmentation: "strong",
  });
  const head = planFor(400, "similar", { augmentation: "none" });
  expect(head).toMatchObject({ strategy: "head", augmentation: "none" });
  const raced = searchFor({ plan: head, cuts, start: 8, augmentation: "none" });
  const usual = searchFor({ plan: planFor(400, "similar"), cuts, start: 8 });
  const strengths = [searched, raced, usual].map((state) => [
    ...new Set(
      state?.arms
        .filter(({ thawIndex }) => thawIndex < cuts.length - 1)
        .map(({ augmentation }) => augmentation),
    ),
  ]);
  expect(strengths).toEqual([["strong"], ["none"], ["light"]]);
});

test("the rule alone and a forced strategy are carried out unchecked", () => {
  expect(planFor(400, "dissimilar", { ruleOnly: true }).check).toBe("none");
  const forced = planFor(400, "dissimilar", { strategy: "full" });
  expect(forced).toMatchObject({ strategy: "full", check: "none", rule: { strategy: "partial" } });
  expect(searchFor({ plan: forced, cuts, start: 0 })).toBeUndefined();
});

test("small and dissimilar data is augmented more than small and similar data", () => {
  expect(planFor(400, "similar").augmentation).toBe("none");
  expect(planFor(400, "dissimilar").augmentation).toBe("light");
});

test("trials are priced in work: less for fewer trained layers, none for the classifier", () => {
  const state = searchFor({ plan: planFor(400, "similar"), cuts, start: 8 });
  const works = state?.arms.toSorted((a, b) => a.thawIndex - b.thawIndex).map(({ work }) => work);
  expect(works?.at(-1)).toBe(0);
  expect(works).toEqual(works?.toSorted((a, b) => b - a));
  expect(works?.[0]).toBeLessThan(1 / 3);
});

test.each([400, 4000])(
  "of %i pictures, the first arm and the whole network fit the budget, and the first alone a fifth",
  (images) => {
    for (const verdict of ["similar", "ambiguous", "dissimilar"] as const) {
      for (const start of [1, 4, 7, 8]) {
        const state = searchFor({ plan: planFor(images, verdict), cuts, start });
        const [head, first, whole] = state?.arms ?? [];
        expect(head?.thawIndex).toBe(cuts.length - 1);
        expect(first?.work).toBeLessThanOrEqual(0.2);
        expect(whole?.thawIndex).toBe(0);
        expect((first?.work ?? 1) + (whole?.work ?? 1)).toBeLessThanOrEqual(0.5);
      }
    }
  },
);

test("the more similar the pictures, the more of the pretrained weights is expected to stay", () => {
  const expected = (verdict: "similar" | "ambiguous" | "dissimilar") =>
    planFor(400, verdict).interpolation;
  expect(expected("similar")).toBe(0.5);
  expect(expected("ambiguous")).toBe(0.75);
  expect(expected("dissimilar")).toBe(1);
});

test.each([2, 3])("a network with %i candidates still has the whole of it tried", (count) => {
  const few = [cuts[0], cuts[1], cuts.at(-1)].slice(3 - count).flatMap((cut) => cut ?? []);
  const [first] = cuts;
  const candidates = count === 2 && first !== undefined ? [first, ...few.slice(-1)] : few;
  const state = searchFor({ plan: planFor(4000, "dissimilar"), cuts: candidates, start: 0 });
  const arms = state?.arms ?? [];
  expect(arms.map(({ thawIndex }) => thawIndex)).toContain(0);
  const raced = arms.slice(0, arms.findIndex(({ thawIndex }) => thawIndex === 0) + 1);
  expect(raced.reduce((sum, { work }) => sum + work, 0)).toBeLessThanOrEqual(0.5);
});

test("a time budget has room for the plan's own cut", () => {
  const made = planFor(400, "ambiguous");
  const thawed = (budget: object) =>
    searchFor({ plan: made, cuts, start: 1, ...budget })?.arms.map(({ thawIndex }) => thawIndex);
  expect(thawed({})).not.toContain(1);
  expect(thawed({ budgetSeconds: 600 })).toContain(1);
});
