import type { Command } from "commander";
import { resume } from "../../job/train.ts";
import { act } from "../action.ts";
import { showTraining } from "../show-training.ts";

/** `thaw resume <run>` */
export function addResume(program: Command): void {
  program
    .command("resume")
    .description("go on with a run that was stopped or killed")
    .argument("<run>", "the run's folder")
    .option("--accept-changes", "train on the pictures as they are now, from the beginning")
    .option("--json", "print JSON")
    .action((run: string, options: { json?: boolean; acceptChanges?: boolean }) =>
      act(options, async (context) => {
        const acceptChanges = options.acceptChanges === true;
        const result = await resume(run, { acceptChanges }, context);
        return { text: showTraining(result), json: result };
      }),
    );
}
