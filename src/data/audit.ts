import { z } from "zod";
import type { Dataset } from "./dataset.ts";
import { type Duplicates, findDuplicates } from "./duplicates.ts";
import {
  isReadable,
  type PictureFacts,
  type UnreadablePicture,
  unreadablePicture,
} from "./picture-facts.ts";
import { extensionFits } from "./picture-format.ts";
import { extensionOf } from "./relative-path.ts";
import type { Ignored } from "./walk.ts";

/** Entries shown of each list of findings; the total is always told. */
export const mostShown = 100;

function findings<T extends z.ZodType>(entry: T) {
  return z.object({ total: z.int().nonnegative(), shown: z.array(entry) });
}

const ids = z.array(z.string());
const range = z.object({ least: z.number(), median: z.number(), most: z.number() });

/** What there is and what is wrong with it, found without any network. */
export const audit = z.object({
  /** Readable pictures. */
  images: z.int().nonnegative(),
  classes: z.array(z.object({ name: z.string(), images: z.int().nonnegative() })),
  /** Pictures of the largest class for one of the smallest; null when a class has none. */
  imbalance: z.number().nullable(),
  width: range.nullable(),
  height: range.nullable(),
  /** Pictures by mode and by format. */
  modes: z.record(z.string(), z.int()),
  formats: z.record(z.string(), z.int()),
  /** Pictures that EXIF turns upright. */
  turned: z.int().nonnegative(),
  unreadable: findings(unreadablePicture),
  ignored: findings(z.object({ path: z.string(), why: z.string() })),
  wrongExtension: findings(z.object({ id: z.string(), format: z.string() })),
  /** Groups of copies, byte for byte or pixel for pixel; `surplus` counts all but one of each. */
  exactDuplicates: findings(ids).extend({ surplus: z.int().nonnegative() }),
  /** Pairs that look the same without being copies. */
  nearDuplicates: findings(z.tuple([z.string(), z.string()])),
  /** Groups of the same picture, or nearly, under more than one class. */
  underTwoClasses: findings(z.object({ ids, classes: z.array(z.string()), exact: z.boolean() })),
  /** Groups of the same picture, or nearly, on two sides of the dataset's own split. */
  acrossSplits: findings(z.object({ ids, splits: z.array(z.string()), exact: z.boolean() })),
  /** Shorter side under 16 px. */
  tiny: findings(z.object({ id: z.string(), width: z.int(), height: z.int() })),
  /** One tone all over. */
  blank: findings(z.string()),
  /** Longer side at least four times the shorter. */
  extremeAspect: findings(z.object({ id: z.string(), width: z.int(), height: z.int() })),
  /** SHA-256 over every readable sample's id, class and content. */
  fingerprint: z.string(),
});
export type Audit = z.infer<typeof audit>;

const tinySide = 16;
const blankContrast = 1.5;
const extremeRatio = 4;

/** The audit with what the splitter needs of it. */
export interface AuditResult {
  readonly audit: Audit;
  /** Of the samples, by their index in the dataset. */
  readonly duplicates: Duplicates;
  readonly unreadable: ReadonlySet<string>;
}

/**
 * Judges a dataset by the facts of its pictures.
 * @param facts one for each sample, in the order of `dataset.samples`
 */
export async function auditDataset(
  dataset: Dataset,
  facts: readonly (PictureFacts | UnreadablePicture)[],
  ignored: readonly Ignored[] = [],
): Promise<AuditResult> {
  const readable = facts.filter(isReadable);
  const unreadable = facts.filter((entry): entry is UnreadablePicture => !isReadable(entry));
  const duplicates = findDuplicates(facts.map((entry) => (isReadable(entry) ? entry : undefined)));
  const classes = countClasses(dataset, facts);
  const counts = classes.map((entry) => entry.images);
  const least = Math.min(...counts);
  const result: Audit = {
    images: readable.length,
    classes,
    imbalance: least > 0 && counts.length > 0 ? Math.max(...counts) / least : null,
    width: rangeOf(readable.map((entry) => entry.width)),
    height: rangeOf(readable.map((entry) => entry.height)),
    modes: tally(readable.map((entry) => entry.mode)),
    formats: tally(readable.map((entry) => entry.format)),
    turned: readable.filter((entry) => entry.turned).length,
    unreadable: capped(unreadable),
    ignored: capped(ignored),
    wrongExtension: capped(readable.filter(isMisnamed), ({ id, format }) => ({ id, format })),
    exactDuplicates: {
      ...capped(duplicates.exact, (group) => idsOf(dataset, group)),
      surplus: duplicates.exact.reduce((sum, group) => sum + group.length - 1, 0),
    },
    nearDuplicates: capped(duplicates.nearPairs, ([a, b]): [string, string] => [
      dataset.samples[a]?.id ?? "",
      dataset.samples[b]?.id ?? "",
    ]),
    ...conflicts(dataset, duplicates),
    tiny: capped(
      readable.filter(({ width, height }) => Math.min(width, height) < tinySide),
      sized,
    ),
    blank: capped(
      readable.filter(({ contrast }) => contrast < blankContrast),
      ({ id }) => id,
    ),
    extremeAspect: capped(
      readable.filter(
        ({ width, height }) => Math.max(width, height) >= extremeRatio * Math.min(width, height),
      ),
      sized,
    ),
    fingerprint: await fingerprint(dataset, facts),
  };
  return { audit: result, duplicates, unreadable: new Set(unreadable.map(({ id }) => id)) };
}

/** SHA-256 over the sorted (id, class name, content hash) of every readable sample. */
async function fingerprint(
  dataset: Dataset,
  facts: readonly (PictureFacts | UnreadablePicture)[],
): Promise<string> {
  const lines = dataset.samples.flatMap(({ id, label }, i) => {
    const entry = facts[i];
    if (entry === undefined || !isReadable(entry)) return [];
    return [JSON.stringify([id, dataset.classes[label] ?? "", entry.sha256])];
  });
  const bytes = new TextEncoder().encode(lines.sort().join("\n"));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function countClasses(
  dataset: Dataset,
  facts: readonly (PictureFacts | UnreadablePicture)[],
): Audit["classes"] {
  const counts = new Array<number>(dataset.classes.length).fill(0);
  dataset.samples.forEach(({ label }, i) => {
    const entry = facts[i];
    if (entry !== undefined && isReadable(entry)) counts[label] = (counts[label] ?? 0) + 1;
  });
  return dataset.classes.map((name, label) => ({ name, images: counts[label] ?? 0 }));
}

function conflicts(dataset: Dataset, duplicates: Duplicates) {
  const exact = new Set(duplicates.exact.map((group) => group.join()));
  const groups = duplicates.alike.map((group) => ({
    ids: idsOf(dataset, group),
    exact: exact.has(group.join()),
    classes: unique(group.map((i) => dataset.classes[dataset.samples[i]?.label ?? 0])),
    splits: unique(group.map((i) => dataset.samples[i]?.split)),
  }));
  return {
    underTwoClasses: capped(
      groups.filter(({ classes }) => classes.length > 1),
      (group) => ({ ids: group.ids, classes: group.classes, exact: group.exact }),
    ),
    acrossSplits: capped(
      groups.filter(({ splits }) => splits.length > 1),
      (group) => ({ ids: group.ids, splits: group.splits, exact: group.exact }),
    ),
  };
}

function isMisnamed({ id, format }: PictureFacts): boolean {
  const extension = extensionOf(id);
  return extension !== "" && !extension.includes("#") && !extensionFits(extension, format);
}

function sized({ id, width, height }: PictureFacts) {
  return { id, width, height };
}

function idsOf(dataset: Dataset, group: readonly number[]): string[] {
  return group.map((i) => dataset.samples[i]?.id ?? "");
}

function unique(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names)].filter((name) => name !== undefined);
}

function tally(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
}

function rangeOf(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return null;
  return { least, median: sorted[sorted.length >> 1] ?? least, most };
}

function capped<T>(entries: readonly T[]): { total: number; shown: T[] };
function capped<T, S>(entries: readonly T[], show: (entry: T) => S): { total: number; shown: S[] };
function capped(entries: readonly unknown[], show = (entry: unknown) => entry) {
  return { total: entries.length, shown: entries.slice(0, mostShown).map(show) };
}
