import { type Command, InvalidArgumentError, Option } from "commander";
import { strategy } from "../plan/plan.ts";

/** A whole number of at least `least`. */
export function integer(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) {
      throw new InvalidArgumentError(`give a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** A number above `least` and below `most`. */
export function between(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !(value > least && value < most)) {
      throw new InvalidArgumentError(`give a number between ${least} and ${most}.`);
    }
    return value;
  };
}

/** The options `inspect` and `train` share. */
export function addInspectOptions(command: Command): Command {
  return command
    .option(
      "--model <spec>",
      "pretrained network: file, npm:..., hf:... (default: MobileNetV3-Small)",
    )
    .addOption(new Option("--strategy <name>", "force a strategy").choices(strategy.options))
    .option("--rule-only", "follow the four-quadrant table, skip the check against the data")
    .option("--seed <n>", "decides splits, weights, order, augmentation (default: 0)", integer(0))
    .option("--val-fraction <share>", "pictures for validation (default: 0.15)", between(0, 0.8))
    .option(
      "--test-fraction <share>",
      "pictures held out for the test (default: 0.15)",
      between(0, 0.8),
    )
    .option("--image-size <px>", "side of the network's input", integer(16))
    .option("--keep-orientation", "orientation carries meaning: never flip")
    .option("--allow-duplicates", "duplicates may stand on both sides of the split")
    .option("--strict", "refuse the folder when the audit finds anything")
    .option("--threads <n>", "threads for the numerical engine (default: all cores)", integer(1))
    .option(
      "--memory <MB>",
      "budget for cached activations, beside the process itself (default: 128)",
      integer(16),
    );
}

/** Options as a command parsed them, under the names the library uses. */
export function libraryOptions(parsed: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { json: _, depth: __, memory, ...rest } = parsed;
  return { ...rest, ...(memory === undefined ? {} : { memoryMB: memory }) };
}
