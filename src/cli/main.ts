#!/usr/bin/env node
import { Command } from "commander";
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
import { wrap } from "./table.ts";

const program = new Command("thaw")
  .description(
    "Fine-tunes a pretrained image model on a folder of pictures and decides by itself which layers to train and which to keep frozen.",
  )
  .configureHelp({ helpWidth: 80, minWidthToWrap: 20 })
  .configureOutput({ outputError: (text, put) => put(wrap(text)) })
  .version(version)
  .showHelpAfterError("(--help shows how it is used)")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCode.misuse));

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

await program.parseAsync();
