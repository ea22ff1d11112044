#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=4194304 node --max-semi-space-size=4
// A process cannot set these for itself: buffers of 4 MB go back to the system once freed, and
// garbage is picked up early. Measured, a tenth less memory for a twentieth more time.
import { Command, CommanderError } from "commander";
import { version } from "../version.ts";
import { addDemo } from "./commands/demo.ts";
import { addEvaluate } from "./commands/evaluate.ts";
import { addInspect } from "./commands/inspect.ts";
import { addModels } from "./commands/models.ts";
import { addPredict } from "./commands/predict.ts";
import { addReport } from "./commands/report.ts";
import { addResume } from "./commands/resume.ts";
import { addTrain } from "./commands/train.ts";
import { exitCode } from "./failure.ts";
import { printFault } from "./print.ts";
import { wrap } from "./table.ts";

const program = new Command("thaw")
  .description(
    "Fine-tunes a pretrained image model on a folder of pictures and decides by itself which layers to train and which to keep frozen.",
  )
  .configureHelp({ helpWidth: 80, minWidthToWrap: 20 })
  .configureOutput({ outputError: (text, put) => put(wrap(text)) })
  .version(version)
  .showHelpAfterError("(--help shows how it is used)")
  .exitOverride();

// Whoever writes is told that nobody reads; without a listener the process would die of it.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

for (const add of [
  addInspect,
  addTrain,
  addResume,
  addPredict,
  addEvaluate,
  addReport,
  addModels,
  addDemo,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) throw thrown;
  if (thrown.exitCode !== 0) {
    process.exitCode = exitCode.misuse;
    if (process.argv.includes("--json")) {
      await printFault({
        code: "cli/misuse",
        what: thrown.message.replace(/^error: |\.$/g, ""),
        next: "--help shows how it is used.",
      });
    }
  }
}
