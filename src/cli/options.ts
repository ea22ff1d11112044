import { type Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import { augmentationStrength } from "../data/view.ts";
import { trainOptions } from "../job/options.ts";
import { strategy } from "../plan/plan.ts";

/** A number that the library's option of the same name allows. */
export function numeric(option: z.ZodType<number | undefined>) {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    check(option, value);
    return value;
  };
}

/** Text that the library's option of the same name allows. */
export function textual(option: z.ZodType<string | undefined>) {
  return (text: string): string => {
    check(option, text);
    return text;
  };
}

function check(option: z.ZodType, value: unknown): void {
  const { error } = option.safeParse(value);
  if (error === undefined) return;
  throw new InvalidArgumentError(`${error.issues.map(({ message }) => message).join("; ")}.`);
}

/** What each option allows, by its name in the library. */
export const allowed = trainOptions.shape;

export function threadsOption(): Option {
  return new Option(
    "--threads <n>",
    "threads for the numerical engine (default: all cores)",
  ).argParser(numeric(allowed.threads));
}

/** The options `inspect` and `train` share. */
export function addInspectOptions(command: Command): Command {
  return command
    .option(
      "--model <spec>",
      "pretrained network: file, npm:..., hf:... (default: MobileNetV3-Small)",
      textual(allowed.model),
    )
    .addOption(new Option("--strategy <name>", "force a strategy").choices(strategy.options))
    .addOption(
      new Option("--augmentation <strength>", "force how much pictures are varied").choices(
        augmentationStrength.options,
      ),
    )
    .option("--rule-only", "follow the four-quadrant table, skip the check against the data")
    .option(
      "--seed <n>",
      "decides splits, weights, order, augmentation (default: 0)",
      numeric(allowed.seed),
    )
    .option(
      "--val-fraction <share>",
      "share of the pictures for validation (default: 0.15)",
      numeric(allowed.valFraction),
    )
    .option(
      "--test-fraction <share>",
      "share of the pictures held out for the test (default: 0.15)",
      numeric(allowed.testFraction),
    )
    .option(
      "--image-size <px>",
      "side of the network's input, in pixels",
      numeric(allowed.imageSize),
    )
    .option("--keep-orientation", "orientation carries meaning: never flip")
    .option("--allow-duplicates", "duplicates may stand on both sides of the split")
    .option("--strict", "refuse the folder when the audit finds anything")
    .addOption(threadsOption())
    .option(
      "--memory <MB>",
      "budget for cached activations, beside the process itself (default: 64)",
      numeric(allowed.memoryMB),
    );
}

/** Options as a command parsed them, under the names the library uses. */
export function libraryOptions(parsed: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { json: _, depth: __, memory, ...rest } = parsed;
  return { ...rest, ...(memory === undefined ? {} : { memoryMB: memory }) };
}
