import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sample, Split } from "./dataset.ts";
import { assignSplits, stratifiedFolds, stratifiedSubset } from "./split.ts";

const singles = (counts: readonly number[]): Sample[] =>
  counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => ({ id: `${label}/${i}`, label })),
  );

const countOf = (
  samples: readonly Sample[],
  sides: readonly unknown[],
  label: number,
  side: unknown,
) => samples.filter((sample, i) => sample.label === label && sides[i] === side).length;

const counts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 6 });
const seed = fc.nat(1000);

describe("assignSplits", () => {
  it("spreads single pictures of every class to less than one from its share", () => {
    fc.assert(
      fc.property(counts, seed, (classes, seed) => {
        const samples = singles(classes.map((count) => count + 7));
        const sides = assignSplits(samples, [], { validation: 0.15, test: 0.2, seed });
        classes.forEach((_, label) => {
          const total =
            countOf(samples, sides, label, "train") +
            countOf(samples, sides, label, "val") +
            countOf(samples, sides, label, "test");
          const [val, test] = (["val", "test"] as const).map((side) =>
            countOf(samples, sides, label, side),
          );
          expect(total).toBe((classes[label] ?? 0) + 7);
          expect(Math.abs((val ?? 0) - 0.15 * total)).toBeLessThan(1);
          expect(Math.abs((test ?? 0) - 0.2 * total)).toBeLessThan(1);
        });
      }),
    );
  });

  it("keeps copies and groups on one side, and depends on the seed alone", () => {
    const group = fc.option(fc.constantFrom("p1", "p2", "p3"), { nil: undefined });
    const sample = fc.record({ label: fc.nat(3), group });
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 8, maxLength: 80 }),
        fc.array(fc.array(fc.nat(7), { minLength: 2, maxLength: 4 }), { maxLength: 4 }),
        seed,
        (drawn, alike, seed) => {
          const samples: Sample[] = drawn.map(({ label, group }, i) => ({
            id: `${i}`,
            label,
            ...(group === undefined ? {} : { group }),
          }));
          const options = { validation: 0.2, test: 0.2, seed };
          const sides = assignSplits(samples, alike, options);
          expect(sides).toEqual(assignSplits(samples, alike, options));
          expect(sides).toHaveLength(samples.length);
          for (const set of alike) expect(new Set(set.map((i) => sides[i])).size).toBe(1);
          for (const name of ["p1", "p2", "p3"]) {
            const of = sides.filter((_, i) => samples[i]?.group === name);
            expect(new Set(of).size).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it("gives other seeds other splits", () => {
    const samples = singles([40, 40]);
    const at = (seed: number) =>
      assignSplits(samples, [], { validation: 0.2, test: 0.2, seed }).join();
    expect(at(1)).not.toBe(at(2));
  });

  it("puts every class on every side when it has three pictures", () => {
    const samples = singles(Array.from({ length: 50 }, () => 3));
    const sides = assignSplits(samples, []);
    for (let label = 0; label < 50; label++) {
      for (const side of ["train", "val", "test"])
        expect(countOf(samples, sides, label, side)).toBe(1);
    }
  });

  it("shares out the second picture of many classes of two between validation and test", () => {
    const samples = singles(Array.from({ length: 40 }, () => 2));
    const sides = assignSplits(samples, []);
    for (let label = 0; label < 40; label++)
      expect(countOf(samples, sides, label, "train")).toBe(1);
    const val = sides.filter((side) => side === "val").length;
    expect(val).toBe(20);
  });

  it("keeps the splits a dataset gives and takes from training what it lacks", () => {
    const given: Split[] = ["train", "test"];
    const samples = given.flatMap((split) =>
      singles([20, 20]).map((sample) => ({ ...sample, id: `${split}/${sample.id}`, split })),
    );
    const sides = assignSplits(samples, []);
    samples.forEach((sample, i) => {
      if (sample.split === "test") expect(sides[i]).toBe("test");
      else expect(sides[i]).not.toBe("test");
    });
    expect(countOf(samples, sides, 0, "val")).toBe(3);
  });

  it("lets a picture without a split follow its copy that has one", () => {
    const samples: Sample[] = [
      { id: "a", label: 0, split: "test" },
      { id: "b", label: 0 },
      ...singles([9, 9]),
    ];
    expect(assignSplits(samples, [[0, 1]])[1]).toBe("test");
  });

  it("copes with 1000 classes and with one class far larger than another", () => {
    const many = singles(Array.from({ length: 1000 }, () => 5));
    expect(new Set(assignSplits(many, [])).size).toBe(3);
    const uneven = singles([40_000, 5]);
    const sides = assignSplits(uneven, []);
    for (const side of ["train", "val", "test"])
      expect(countOf(uneven, sides, 1, side)).toBeGreaterThan(0);
  });
});

describe("stratifiedFolds", () => {
  it("puts every sample in one fold, classes and folds within one of even", () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 2, max: 6 }), seed, (classes, k, seed) => {
        const samples = singles(classes);
        const folds = stratifiedFolds(samples, [], k, seed);
        expect(folds.every((fold) => Number.isInteger(fold) && fold >= 0 && fold < k)).toBe(true);
        classes.forEach((count, label) => {
          for (let fold = 0; fold < k; fold++) {
            expect(Math.abs(countOf(samples, folds, label, fold) - count / k)).toBeLessThan(1);
          }
        });
        const sizes = Array.from(
          { length: k },
          (_, fold) => folds.filter((f) => f === fold).length,
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(classes.length);
      }),
    );
  });

  it("leaves no fold empty: it spreads what there is, or makes fewer folds", () => {
    const clusters = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(clusters, fc.integer({ min: 2, max: 4 }), seed, (drawn, k, seed) => {
        const samples = drawn.flatMap(([label, size], group) =>
          Array.from({ length: size }, (_, i) => ({
            id: `${group}/${i}`,
            label,
            group: `${group}`,
          })),
        );
        const folds = new Set(stratifiedFolds(samples, [], k, seed));
        const expected = Math.min(k, drawn.length);
        expect([...folds].sort()).toEqual(Array.from({ length: expected }, (_, fold) => fold));
      }),
    );
  });

  it("keeps copies in one fold", () => {
    const folds = stratifiedFolds(
      singles([10, 10]),
      [
        [0, 3, 12],
        [5, 6],
      ],
      5,
      0,
    );
    expect(new Set([folds[0], folds[3], folds[12]]).size).toBe(1);
    expect(folds[5]).toBe(folds[6]);
  });
});

describe("stratifiedSubset", () => {
  it("takes the number asked for, classes in proportion", () => {
    const samples = singles([300, 100, 20]);
    const subset = stratifiedSubset(samples, 42, 3);
    expect(subset).toHaveLength(42);
    expect(new Set(subset).size).toBe(42);
    const chosen = subset.map((i) => samples[i]?.label);
    expect([0, 1, 2].map((label) => chosen.filter((l) => l === label).length)).toEqual([30, 10, 2]);
    expect(stratifiedSubset(samples, 1000, 3)).toHaveLength(420);
  });
});
