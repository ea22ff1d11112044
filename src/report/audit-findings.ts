import { z } from "zod";
import type { Audit } from "../data/audit.ts";
import { plural } from "./format.ts";

/** One line of the audit for people. */
export const finding = z.object({
  level: z.enum(["info", "warning", "error"]),
  says: z.string(),
  /** The pictures it is about, as far as the audit lists them. */
  pictures: z.array(z.string()),
  total: z.int().nonnegative(),
});
export type Finding = z.infer<typeof finding>;

/** A class this many times another's size skews training unless it is weighted. */
const markedImbalance = 3;

/** What an audit found, the worst first. Empty when there is nothing to say. */
export function auditFindings(audit: Audit): Finding[] {
  const largest = audit.classes.reduce((a, b) => (b.images > a.images ? b : a));
  const smallest = audit.classes.reduce((a, b) => (b.images < a.images ? b : a));
  const skewed = (audit.imbalance ?? Number.POSITIVE_INFINITY) >= markedImbalance;
  return [
    line(
      "error",
      audit.unreadable,
      (n) => `${plural(n, "picture")} cannot be read and will be skipped`,
      (item) => `${item.id}: ${item.why}`,
    ),
    line(
      "error",
      audit.underTwoClasses,
      (n) => `${plural(n, "picture")} stand${n === 1 ? "s" : ""} under more than one class`,
      (item) => `${item.ids.join(" = ")}${item.exact ? "" : " (nearly)"}`,
    ),
    line(
      "error",
      audit.acrossSplits,
      (n) => `${plural(n, "picture")} stand${n === 1 ? "s" : ""} on two sides of the given split`,
      (item) => `${item.ids.join(" = ")} (${item.splits.join(", ")})`,
    ),
    line(
      "warning",
      audit.exactDuplicates,
      (n) =>
        `${plural(n, "group")} of exact copies, ${audit.exactDuplicates.surplus} more than needed; a group stays on one side of the split`,
      (item) => item.join(" = "),
    ),
    line(
      "warning",
      audit.nearDuplicates,
      (n) => `${plural(n, "pair")} of near duplicates, kept on one side of the split`,
      (item) => item.join(" \u2248 "),
    ),
    line(
      "warning",
      audit.blank,
      (n) => `${plural(n, "picture")} of one tone all over`,
      (item) => item,
    ),
    line(
      "warning",
      audit.tiny,
      (n) => `${plural(n, "picture")} with a side under 16 pixels`,
      (item) => `${item.id} (${item.width} x ${item.height})`,
    ),
    line(
      "warning",
      audit.extremeAspect,
      (n) => `${plural(n, "picture")} at least four times as long as wide`,
      (item) => `${item.id} (${item.width} x ${item.height})`,
    ),
    line(
      "warning",
      audit.wrongExtension,
      (n) => `${plural(n, "file")} with a wrong extension, read all the same`,
      (item) => `${item.id} is ${item.format}`,
    ),
    ...(skewed
      ? [
          {
            level: "warning" as const,
            says: `Classes are uneven: "${largest.name}" has ${largest.images}, "${smallest.name}" ${smallest.images}; rare classes get more weight in the loss`,
            pictures: [],
            total: 0,
          },
        ]
      : []),
    line(
      "info",
      audit.ignored,
      (n) => `${plural(n, "file")} that ${n === 1 ? "is" : "are"} no picture`,
      (item) => `${item.path}: ${item.why}`,
    ),
  ].filter((found) => found !== undefined);
}

function line<T>(
  level: Finding["level"],
  found: { readonly total: number; readonly shown: readonly T[] },
  says: (total: number) => string,
  show: (item: T) => string,
): Finding | undefined {
  if (found.total === 0) return undefined;
  return { level, says: says(found.total), pictures: found.shown.map(show), total: found.total };
}
