import type { Command } from "commander";
import { train } from "../../job/train.ts";
import { act } from "../action.ts";
import { addInspectOptions, allowed, libraryOptions, numeric, textual } from "../options.ts";
import { showTraining } from "../show-training.ts";

/** `thaw train <folder>` */
export function addTrain(program: Command): void {
  addInspectOptions(
    program
      .command("train")
      .description("fine-tune on a folder of pictures; decides by itself what to freeze")
      .argument("<folder>", "a folder a class, train/val/test folders, a manifest, parquet"),
  )
    .option(
      "--out <folder>",
      "where the run goes (default: runs/<name>-<number>)",
      textual(allowed.out),
    )
    .option("--epochs <n>", "epochs at most", numeric(allowed.epochs))
    .option("--minutes <n>", "time budget for everything, in minutes", numeric(allowed.minutes))
    .option("--batch-size <n>", "pictures a step", numeric(allowed.batchSize))
    .option("--int8", "add an 8-bit copy of the model with its measured accuracy")
    .option("--json", "print JSON")
    .action((folder: string, options: { json?: boolean }) =>
      act(options, async (context) => {
        const result = await train(folder, libraryOptions({ ...options }), context);
        return { text: showTraining(result), json: result };
      }),
    );
}
