import type { Command } from "commander";
import { rebuildReport } from "../../job/report.ts";
import { act } from "../action.ts";
import { openInBrowser } from "../open-in-browser.ts";
import { here } from "../show-training.ts";

/** `thaw report <run>` */
export function addReport(program: Command): void {
  program
    .command("report")
    .description("write a run's report again")
    .argument("<run>", "the folder of a finished run")
    .option("--open", "open it in the browser")
    .option("--json", "print JSON")
    .action((run: string, options: { json?: boolean; open?: boolean }) =>
      act(options, async () => {
        const report = await rebuildReport(run);
        if (options.open === true) openInBrowser(report);
        return { text: here(report), json: { report } };
      }),
    );
}
