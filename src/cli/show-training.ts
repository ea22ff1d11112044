import { relative } from "node:path";
import type { TrainResult } from "../job/result.ts";
import { duration, percent, plural } from "../report/format.ts";
import { hang, showDecision, showFindings } from "./show-inspection.ts";
import { table, wrap } from "./table.ts";

/** The result of a training for a terminal of 80 columns. */
export function showTraining(result: TrainResult): string {
  const { metrics, baselines, chosen, overruled } = result;
  const [low, high] = metrics.interval;
  const findings = showFindings(result);
  return [
    ...(findings === undefined ? [] : [findings, ""]),
    showDecision(result, overruled === null ? "Plan" : "The rule's plan"),
    "",
    wrap(`Done${overruled === null ? "" : " instead"}: ${deedInWords(chosen)}.`),
    ...(overruled === null ? [] : [hang(overruled.says, "  \u00b7 ")]),
    ...(result.verdict === null ? [] : [hang(result.verdict, "  \u00b7 ")]),
    "",
    table(
      [`on ${plural(metrics.images, "held-out picture")}`, "accuracy", "macro F1", "loss"],
      [
        [
          "this model",
          percent(metrics.accuracy),
          metrics.macroF1.toFixed(3),
          metrics.loss.toFixed(3),
        ],
        [
          "linear probe",
          percent(baselines.linearProbe.accuracy),
          baselines.linearProbe.macroF1.toFixed(3),
          baselines.linearProbe.loss.toFixed(3),
        ],
      ],
    ),
    `95 % interval ${percent(low)} to ${percent(high)}, calibration error ${percent(metrics.ece)}`,
    ...(result.int8 === undefined
      ? []
      : [`8-bit copy: ${percent(result.int8.accuracy)} accuracy, ${here(result.int8.model)}`]),
    `${duration(result.seconds)}, ${result.peakMemoryMB} MB of memory at most`,
    "",
    `model   ${here(result.model)}`,
    `report  ${here(`${result.run}/report.html`)}`,
    `next    thaw predict ${here(result.run)} <picture>`,
  ].join("\n");
}

/** What was trained, what stayed frozen, how pictures were augmented. */
function deedInWords({ strategy, thawPoint, augmentation }: TrainResult["chosen"]): string {
  const varied = augmentation === "none" ? "" : `, with ${augmentation} augmentation`;
  switch (strategy) {
    case "head":
      return "the classifier was trained, the whole feature extractor stayed frozen";
    case "full":
      return `the whole network was trained${varied}`;
    default:
      return `everything up to ${thawPoint.name} stayed frozen, the rest was trained${varied}`;
  }
}

/** A path as the user would type it from here. */
export function here(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") || short === "" ? path : short;
}
