import type { Inspection } from "../job/result.ts";
import { auditFindings } from "../report/audit-findings.ts";
import { count, percent, plural } from "../report/format.ts";
import { printable, shorten, table, wrap } from "./table.ts";

const mostClasses = 20;
const mostPictures = 3;

/** An inspection for a terminal of 80 columns. */
export function showInspection(found: Inspection, depth: boolean): string {
  return [
    showPictures(found),
    showFindings(found) ?? "Audit: nothing found.",
    showDecision(found, "Plan"),
    ...(depth ? [showDepth(found)] : []),
  ].join("\n\n");
}

function showPictures({ images, classes, audit }: Inspection): string {
  const shown = [...classes].sort((a, b) => b.images - a.images).slice(0, mostClasses);
  const more = classes.length - shown.length;
  const sizes =
    audit.width === null || audit.height === null
      ? ""
      : `, ${audit.width.least} to ${audit.width.most} px wide, ${audit.height.least} to ${audit.height.most} px high`;
  const kinds = Object.entries({ ...audit.formats, ...audit.modes })
    .map(([kind, number]) => `${kind} ${number}`)
    .join(", ");
  return [
    wrap(`${plural(images, "picture")} of ${plural(classes.length, "class")}${sizes}`),
    wrap(kinds, 80, "  "),
    "",
    table(
      ["class", "pictures", "share"],
      shown.map((item) => [item.name, item.images, percent(item.images / Math.max(1, images))]),
    ),
    ...(more > 0 ? [`and ${more} more classes`] : []),
  ].join("\n");
}

const marks = { error: "\u2717", warning: "!", info: "\u00b7" } as const;

/** What the audit found; undefined where that is nothing. */
export function showFindings({ audit }: Inspection): string | undefined {
  const findings = auditFindings(audit);
  if (findings.length === 0) return undefined;
  return [
    "Audit:",
    ...findings.flatMap(({ level, says, pictures, total }) => [
      hang(says, `  ${marks[level]} `),
      ...pictures.slice(0, mostPictures).map((name) => shorten(`      ${printable(name)}`)),
      ...(pictures.length === 0 || total <= mostPictures
        ? []
        : [
            `      and ${total - Math.min(mostPictures, pictures.length)} more (--json lists them)`,
          ]),
    ]),
  ].join("\n");
}

/** The two facts, the quadrant and the plan under its heading. */
export function showDecision({ size, similarity, plan }: Inspection, heading: string): string {
  const quadrant = `${size.verdict} (${count(size.images)} pictures) and ${similarity.verdict}`;
  return [
    `${quadrant}, similarity ${similarity.score.toFixed(2)} of 1`,
    ...similarity.evidence.map((one) => hang(one.says, "  \u00b7 ")),
    ...similarity.missing.map((says) => hang(says, "  \u00b7 ")),
    "",
    wrap(`${heading}: ${planInWords(plan)}`),
    ...plan.why.map((sentence) => hang(sentence, "  \u00b7 ")),
  ].join("\n");
}

/** One sentence: what is to be trained, what is frozen, how pictures are augmented. */
function planInWords({ strategy, thawPoint, augmentation }: Inspection["plan"]): string {
  const varied = augmentation === "none" ? "" : `, ${augmentation} augmentation`;
  switch (strategy) {
    case "head":
      return "train the classifier, freeze the whole feature extractor";
    case "full":
      return `train the whole network${varied}`;
    default:
      return `freeze everything up to ${thawPoint.name}, train the rest${varied}`;
  }
}

function showDepth({ depthCurve, plan }: Inspection): string {
  if (depthCurve === undefined) return "Too few pictures to measure features by depth.";
  const bar = (score: number) => "\u2588".repeat(Math.round(score * 30));
  return [
    "What a linear classifier makes of the features at each depth:",
    table(
      ["cut", "depth", "accuracy", ""],
      depthCurve.points.map((point) => [
        point.cut === plan.thawPoint.cut ? `${point.name} \u2190 thaw point` : point.name,
        percent(point.depth),
        percent(point.score),
        bar(point.score),
      ]),
    ),
  ].join("\n");
}

/** Wrapped text behind a mark, later lines indented under the first. */
export function hang(text: string, mark: string): string {
  return mark + wrap(printable(text), 80, " ".repeat(mark.length)).slice(mark.length);
}
