import { ThawError } from "../errors.ts";
import type { Dataset, Sample, Split } from "./dataset.ts";

/** The dataset without some of its samples; classes keep their numbers. */
export function withoutSamples(dataset: Dataset, ids: ReadonlySet<string>): Dataset {
  return { ...dataset, samples: dataset.samples.filter((sample) => !ids.has(sample.id)) };
}

/** What is kept of a picture while it is worked with: names, digests, a thumbnail. */
const heapBytesPerPicture = 4096;

/**
 * Refuses more pictures than can be kept track of, before the first of them is opened.
 * @param heapBytes memory for objects; the rest of what a job needs grows less
 * @throws ThawError `data/too-many-pictures`
 */
export function requireRoom({ samples, root }: Dataset, heapBytes: number): void {
  const most = Math.floor(heapBytes / heapBytesPerPicture);
  if (samples.length <= most) return;
  throw new ThawError({
    code: "data/too-many-pictures",
    what: `These are ${samples.length} pictures; Node's memory here is enough for ${most}`,
    where: root,
    next: `Take a part of them, or give Node more memory: NODE_OPTIONS=--max-old-space-size=${Math.ceil((samples.length * heapBytesPerPicture) / 2 ** 20)}`,
  });
}

/**
 * Refuses what no classifier can be trained on.
 * @throws ThawError `data/one-class`, `data/class-too-small`, `data/no-pictures`
 */
export function requireTrainable(dataset: Dataset): void {
  const { classes, samples, root: where } = dataset;
  if (samples.length === 0) {
    throw new ThawError({
      code: "data/no-pictures",
      what: "None of the pictures can be read",
      where,
      next: "Run `thaw inspect` on the folder to see what is wrong with each of them.",
    });
  }
  if (classes.length < 2) {
    throw new ThawError({
      code: "data/one-class",
      what: `There is only one class, "${classes[0]}"`,
      where,
      next: "Add a folder with pictures of a second class: a classifier needs two.",
    });
  }
  const counts = new Array<number>(classes.length).fill(0);
  for (const { label } of samples) counts[label] = (counts[label] ?? 0) + 1;
  const small = classes.filter((_, label) => (counts[label] ?? 0) < 2);
  if (small.length > 0) {
    throw new ThawError({
      code: "data/class-too-small",
      what: `${small.length === 1 ? "A class has" : `${small.length} classes have`} fewer than two readable pictures: ${firstFew(small)}`,
      where,
      next: "Add pictures to it, or take the folder away: one picture cannot be both learned and checked.",
      details: { classes: small },
    });
  }
}

/**
 * Refuses a split without training pictures of every class, or without validation pictures.
 * @param sides the side of each sample
 * @throws ThawError `data/one-sided-split`
 */
export function requireSides(dataset: Dataset, sides: readonly Split[]): void {
  const { classes, samples, root: where } = dataset;
  const classesWithout = (wanted: (sample: Sample, index: number) => boolean) => {
    const present = new Set(samples.filter(wanted).map(({ label }) => label));
    return classes.filter((_, label) => !present.has(label));
  };
  const untaught = classesWithout((_, index) => sides[index] === "train");
  if (untaught.length === 0 && sides.includes("val")) return;
  const given = classesWithout(({ split = "train" }) => split === "train");
  const lacking = untaught.length === 0 ? "validation" : `training on ${firstFew(untaught)}`;
  throw new ThawError({
    code: "data/one-sided-split",
    where,
    ...(given.length > 0
      ? {
          what: `The dataset gives no training picture of ${firstFew(given)}: all are for validation or test`,
          next: "Mark some of them as training pictures, or leave the split to Thaw.",
        }
      : {
          what: `Nothing is left for ${lacking}: pictures of one group, and copies of one picture, stay on one side of the split`,
          next: "Add pictures of other groups; --allow-duplicates lets copies stand on both sides.",
        }),
  });
}

function firstFew(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return `${shown.join(", ")}${names.length > 5 ? " and others" : ""}`;
}
