import { expect, it } from "vitest";
import { ThawError } from "../errors.ts";
import type { Dataset, Sample, Split } from "./dataset.ts";
import { naturalOrder } from "./natural-order.ts";
import { assignSplits } from "./split.ts";
import { requireRoom, requireSides, requireTrainable, withoutSamples } from "./trainable.ts";

function dataset(counts: readonly number[]): Dataset {
  const samples = counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => ({ id: `${label}/${i}`, label })),
  );
  return { root: "/set", layout: "folders", classes: counts.map((_, i) => `class ${i}`), samples };
}

function code(of: Dataset, check = requireTrainable): string | undefined {
  try {
    check(of);
    return undefined;
  } catch (cause) {
    if (cause instanceof ThawError) return cause.fault.code;
    throw cause;
  }
}

it("refuses what no classifier can be trained on", () => {
  expect(code(dataset([2, 2]))).toBeUndefined();
  expect(code(dataset([0, 0]))).toBe("data/no-pictures");
  expect(code(dataset([5]))).toBe("data/one-class");
  expect(code(dataset([5, 1]))).toBe("data/class-too-small");
});

const marked = (of: Dataset, mark: (sample: Sample) => Partial<Sample>): Dataset => ({
  ...of,
  samples: of.samples.map((sample) => ({ ...sample, ...mark(sample) })),
});
const split = (of: Dataset) => requireSides(of, assignSplits(of.samples, []));
const given = (split: Split) => () => ({ split });

it("refuses a split that leaves nothing to train or to validate on, and says why", () => {
  expect(code(dataset([4, 4]), split)).toBeUndefined();
  const grouped = marked(dataset([9, 9]), ({ label }) => ({ group: `video ${label}` }));
  expect(code(grouped, split)).toBe("data/one-sided-split");
  expect(() => split(grouped)).toThrow(/^Nothing is left for validation: .* one group/);
  expect(code(marked(dataset([9, 9]), given("train")), split)).toBeUndefined();
  expect(() => split(marked(dataset([9, 9]), given("test")))).toThrow(
    /^The dataset gives no training picture of "class 0", "class 1"/,
  );
  const second = marked(dataset([9, 9]), ({ label }) => (label === 1 ? { split: "val" } : {}));
  expect(() => split(second)).toThrow(/^The dataset gives no training picture of "class 1"/);
});

it("refuses more pictures than memory is enough for", () => {
  const within = (bytes: number) => (of: Dataset) => requireRoom(of, bytes);
  expect(code(dataset([3, 3]), within(6 * 4096))).toBeUndefined();
  expect(code(dataset([3, 3]), within(6 * 4096 - 1))).toBe("data/too-many-pictures");
});

it("counts only the pictures that are left", () => {
  const left = withoutSamples(dataset([3, 2]), new Set(["1/0"]));
  expect(left.samples).toHaveLength(4);
  expect(code(left)).toBe("data/class-too-small");
});

it("orders names by the numbers in them, without ties between different names", () => {
  const names = ["b", "class 10", "class 2", "10", "9", "a", "01", "1"];
  expect(names.sort(naturalOrder)).toEqual(["01", "1", "9", "10", "a", "b", "class 2", "class 10"]);
  expect(naturalOrder("1", "1")).toBe(0);
});
