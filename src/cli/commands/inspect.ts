import type { Command } from "commander";
import { inspect } from "../../job/inspect.ts";
import { act } from "../action.ts";
import { addInspectOptions, libraryOptions } from "../options.ts";
import { showInspection } from "../show-inspection.ts";

/** `thaw inspect <folder>` */
export function addInspect(program: Command): void {
  addInspectOptions(
    program
      .command("inspect")
      .description("look at a folder of pictures: what is there, how similar, what to train")
      .argument("<folder>", "a folder a class, train/val/test folders, a manifest, parquet"),
  )
    .option("--depth", "show how well features at each depth tell the classes apart")
    .option("--json", "print JSON")
    .action((folder: string, options: { json?: boolean; depth?: boolean }) =>
      act(options, async (context) => {
        const found = await inspect(folder, libraryOptions({ ...options }), context);
        return { text: showInspection(found, options.depth === true), json: found };
      }),
    );
}
