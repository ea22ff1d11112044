import { type Command, Option } from "commander";
import { type FilePrediction, predictFiles } from "../../job/predict-files.ts";
import { probability } from "../../report/format.ts";
import { act } from "../action.ts";
import { csvLine } from "../csv.ts";
import { threadsOption } from "../options.ts";
import { hang } from "../show-inspection.ts";
import { here } from "../show-training.ts";
import { table } from "../table.ts";

interface PredictFlags {
  readonly format: "table" | "json" | "csv";
  readonly json?: boolean;
  readonly threads?: number;
}

/** `thaw predict <model|run> <files or folders>` */
export function addPredict(program: Command): void {
  program
    .command("predict")
    .description("label pictures with calibrated probabilities")
    .argument("<model>", "a run's folder or its model.onnx")
    .argument("<pictures...>", "picture files or folders of them")
    .addOption(
      new Option("--format <kind>", "how to print")
        .choices(["table", "json", "csv"])
        .default("table"),
    )
    .addOption(threadsOption())
    .option("--json", "the same as --format json: one JSON object a line")
    .action((model: string, pictures: string[], flags: PredictFlags) =>
      act(flags, async ({ write, ...context }) => {
        const format = flags.json === true ? "json" : flags.format;
        const rows: FilePrediction[] = [];
        let failed = false;
        const { threads } = flags;
        const found = await predictFiles(model, pictures, { threads }, context);
        if (format === "csv") {
          await write(csvLine(["picture", "label", "probability", ...found.labels, "error"]));
        }
        for await (const row of found.rows) {
          failed ||= "fault" in row;
          if (format === "json") await write(`${JSON.stringify(row)}\n`);
          else if (format === "table") rows.push(row);
          else await write(csvLine(csvRow(row, found.labels)));
        }
        if (format === "table") {
          await write(`${showPredictions(rows)}\n`);
          process.stderr.write(showFaults(rows));
        }
        if (failed) process.exitCode = 1;
        return undefined;
      }),
    );
}

function csvRow(row: FilePrediction, labels: readonly string[]): (string | number)[] {
  if ("fault" in row) return [row.picture, "", "", ...labels.map(() => ""), row.fault.what];
  const chances = new Map(row.classes.map(({ label, probability }) => [label, probability]));
  return [
    row.picture,
    row.label,
    row.probability.toFixed(6),
    ...labels.map((label) => (chances.get(label) ?? 0).toFixed(6)),
    "",
  ];
}

function showPredictions(rows: readonly FilePrediction[]): string {
  return table(
    ["picture", "label", "sure", "or else"],
    rows.map((row) => {
      if ("fault" in row) return [here(row.picture), "cannot be read", "", ""];
      const [, second] = row.classes;
      return [
        here(row.picture),
        row.label,
        probability(row.probability),
        second === undefined ? "" : `${second.label} ${probability(second.probability)}`,
      ];
    }),
  );
}

/** Why pictures have no prediction. */
function showFaults(rows: readonly FilePrediction[]): string {
  return rows
    .flatMap((row) => ("fault" in row ? [`${here(row.picture)}: ${row.fault.what}.`] : []))
    .map((says) => `${hang(says, "  ")}\n`)
    .join("");
}
