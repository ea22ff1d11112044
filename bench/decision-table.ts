import { methods } from "./decision-methods.ts";
import type { Regret } from "./decision-regret.ts";
import type { Summary } from "./decision-summary.ts";

export interface Described extends Summary {
  readonly model: string;
  readonly imageSize: number | string;
  readonly machine: string;
  readonly fingerprint: string;
}

/** The results as Markdown: totals, cells, choices, cuts. Accuracies and regrets in points. */
export function decisionTable(summary: Described): string {
  const { cells } = summary;
  return `${[
    `Network ${summary.model}, input side ${summary.imageSize}, ${summary.machine}; decision code ${summary.fingerprint}. Regrets are cross-fitted, in accuracy points with standard errors; costs are seconds relative to one full fine-tuning of the same data.`,
    rows(
      ["method", "accuracy", "regret", "within 2 points", "cost", "work", "wins"],
      summary.totals.map(({ method, accuracy, regret, withinTwo, cost, work, wins }) => [
        method,
        points(accuracy),
        withError(regret),
        `${Math.round(100 * withinTwo)} %`,
        `${cost.toFixed(2)}x`,
        `${work.toFixed(2)}x`,
        String(wins),
      ]),
    ),
    `Dissimilarity against the gap between the best cut and the linear probe: weighted Kendall tau ${summary.tau.toFixed(2)} over ${cells.length} cells.${summary.heads === undefined ? " No run ended with the classifier only." : ` Runs that ended with the classifier only: ${summary.heads.runs}, at a cost of ${summary.heads.cost.toFixed(2)}x and work of ${summary.heads.work.toFixed(2)}x.`}`,
    rows(
      ["dataset", "pictures", "best cut", ...methods],
      cells.map((cell) => [
        cell.dataset,
        `${cell.amount} (${cell.heldOut} held out, ${cell.seeds} seeds)`,
        points(cell.oracle),
        ...methods.map((method) => withError(cell.methods[method].regret)),
      ]),
    ),
    rows(
      [
        "dataset",
        "pictures",
        "similarity",
        "verdict",
        "rule",
        "Thaw thawed from",
        "check",
        "cost",
        "gap",
      ],
      cells.map((cell) => [
        cell.dataset,
        String(cell.amount),
        cell.similarity.toFixed(2),
        cell.verdicts.join(", "),
        cell.rules.join(", "),
        cell.chosen.join(", "),
        `${cell.checkWork.toFixed(2)}x`,
        `${cell.methods.thaw.cost.toFixed(2)}x`,
        withError(cell.gap),
      ]),
    ),
    ...curves(summary),
  ].join("\n\n")}\n`;
}

function curves({ cells }: Summary): string[] {
  const [first] = cells;
  if (first === undefined) return [];
  return [
    rows(
      ["thawed from", ...first.curve.map(({ cut }) => cut)],
      cells.map(({ dataset, amount, curve }) => [
        `${dataset} ${amount}`,
        ...curve.map(({ accuracy }) => points(accuracy)),
      ]),
    ),
  ];
}

function points(share: number): string {
  return (100 * share).toFixed(1);
}

function withError({ value, standardError }: Regret): string {
  return `${points(value)} ± ${points(standardError)}`;
}

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}
