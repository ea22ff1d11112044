import type { Sample, Split } from "./dataset.ts";
import { naturalOrder } from "./natural-order.ts";

/** A picture with its class still as a name. */
export interface NamedSample {
  readonly id: string;
  readonly className: string;
  readonly split?: Split | undefined;
  readonly group?: string | undefined;
}

/**
 * Numbers the classes and the samples' labels.
 * @param classes the order to keep where the dataset states one; natural order otherwise
 */
export function collectSamples(
  named: readonly NamedSample[],
  classes: readonly string[] = [...new Set(named.map((sample) => sample.className))].sort(
    naturalOrder,
  ),
): { readonly classes: readonly string[]; readonly samples: readonly Sample[] } {
  const index = new Map(classes.map((name, label) => [name, label]));
  const samples = named.map(({ id, className, split, group }) => ({
    id,
    label: index.get(className) ?? 0,
    ...(split === undefined ? {} : { split }),
    ...(group === undefined ? {} : { group }),
  }));
  return { classes, samples };
}

const splitNames: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  dev: "val",
  test: "test",
  testing: "test",
};

/** The split a folder, file or manifest cell names, if it names one. */
export function splitByName(name: string): Split | undefined {
  const key = name.trim().toLowerCase();
  return Object.hasOwn(splitNames, key) ? splitNames[key] : undefined;
}
