import type { Command } from "commander";
import { type Evaluation, evaluate } from "../../job/evaluate.ts";
import { percent, plural } from "../../report/format.ts";
import { act } from "../action.ts";
import { threadsOption } from "../options.ts";
import { printable, shorten, table } from "../table.ts";

const mostPictures = 3;

/** `thaw evaluate <model|run> <folder>` */
export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("judge a model on new labelled pictures")
    .argument("<model>", "a run's folder or its model.onnx")
    .argument("<folder>", "labelled pictures, class folders named as the model's classes")
    .addOption(threadsOption())
    .option("--json", "print JSON")
    .action((model: string, folder: string, options: { json?: boolean; threads?: number }) =>
      act(options, async (context) => {
        const found = await evaluate(model, folder, { threads: options.threads }, context);
        return { text: showEvaluation(found), json: found };
      }),
    );
}

function showEvaluation({ metrics, unreadable }: Evaluation): string {
  const [low, high] = metrics.interval;
  const more = unreadable.length - mostPictures;
  return [
    `${percent(metrics.accuracy)} of ${plural(metrics.images, "picture")} right (95 % interval ${percent(low)} to ${percent(high)})`,
    `macro F1 ${metrics.macroF1.toFixed(3)}, loss ${metrics.loss.toFixed(3)}, calibration error ${percent(metrics.ece)}`,
    ...(unreadable.length === 0
      ? []
      : [
          `${plural(unreadable.length, "picture")} could not be read:`,
          ...unreadable.slice(0, mostPictures).map((name) => shorten(`  ${printable(name)}`)),
          ...(more > 0 ? [`  and ${more} more (--json lists them)`] : []),
        ]),
    "",
    table(
      ["class", "pictures", "recall", "precision", "F1"],
      metrics.perClass
        .filter(({ images }) => images > 0)
        .map((one) => [
          one.name,
          one.images,
          percent(one.recall),
          percent(one.precision),
          one.f1.toFixed(3),
        ]),
    ),
  ].join("\n");
}
