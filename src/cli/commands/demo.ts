import type { Command } from "commander";
import { demo } from "../../job/demo.ts";
import { wholeNumber } from "../../job/options.ts";
import { probability } from "../../report/format.ts";
import { act } from "../action.ts";
import { numeric } from "../options.ts";
import { showTraining } from "../show-training.ts";
import { table } from "../table.ts";

/** `thaw demo` */
export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("the whole thing on real pictures from the npm registry")
    .option("--out <folder>", "where pictures and run go (default: thaw-demo)")
    .option(
      "--images <n>",
      "about how many pictures (default: all 930)",
      numeric(wholeNumber(60, 930)),
    )
    .option("--rule-only", "follow the four-quadrant table, skip the check against the data")
    .option("--json", "print JSON")
    .action((options: { json?: boolean; out?: string; images?: number; ruleOnly?: boolean }) =>
      act(options, async (context) => {
        const { json: _, ...asked } = options;
        const shown = await demo(asked, context);
        return {
          text: [
            showTraining(shown.result),
            "",
            "Six pictures it has never seen:",
            table(
              ["picture", "is", "model says", "sure"],
              shown.predictions.map((one) => [
                one.picture,
                one.truth,
                `${one.label} ${one.label === one.truth ? "\u2713" : "\u2717"}`,
                probability(one.probability),
              ]),
            ),
          ].join("\n"),
          json: shown,
        };
      }),
    );
}
