import type { Command } from "commander";
import type { JobEvent } from "../../job/events.ts";
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
        let worked = false;
        const onEvent = (event: JobEvent) => {
          worked = true;
          context.onEvent?.(event);
        };
        const result = await resume(run, { acceptChanges }, { ...context, onEvent });
        const text = showTraining(result);
        // A finished run is only read, which tells of nothing on the way.
        return {
          text: worked ? text : `This run was finished already; this is its result.\n\n${text}`,
          json: result,
        };
      }),
    );
}
