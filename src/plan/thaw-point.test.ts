import { expect, test } from "vitest";
import type { Cut } from "../models/pretrained.ts";
import { decide } from "./policy.ts";
import { strategyAt, thawIndex } from "./thaw-point.ts";

test("a strategy thaws where its name says, whatever the number of candidates", () => {
  for (const candidates of [3, 5, 9]) {
    for (const strategy of ["full", "head"] as const) {
      expect(strategyAt(thawIndex(strategy, candidates, undefined), candidates)).toBe(strategy);
    }
    for (const strategy of ["rear", "partial"] as const) {
      const index = thawIndex(strategy, candidates, undefined);
      expect(["rear", "partial"]).toContain(strategyAt(index, candidates));
    }
  }
});

test("a network with nothing to thaw in between is trained as a whole, and the plan says so", () => {
  const cut = { depth: 0, dims: [1, 8], parametersBefore: 0, parametersAfter: 1 };
  const cuts = ["input", "classifier"].map(
    (name, depth): Cut => ({ ...cut, value: name, name, depth, flopsBefore: 0, flopsAfter: 1 }),
  );
  const plan = decide({
    size: { images: 400, verdict: "small" },
    similarity: { verdict: "similar", score: 0.9, confidence: 0.9, evidence: [], missing: [] },
    cuts,
    pictures: 280,
    classes: 3,
    options: { strategy: "rear" },
  });
  expect(plan).toMatchObject({ strategy: "full", thawPoint: { cut: "input" } });
  expect(plan.why.join(" ")).toMatch(/You asked for the rear part .* no place in between/);
});
