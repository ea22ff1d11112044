import { trainableParameters } from "../models/parameters.ts";
import { elementCount } from "../onnx/tensor.ts";
import type { Tuned } from "./fine-tune.ts";
import type { Workbench } from "./workbench.ts";

/**
 * How many numbers the network handed back has, the new head's among them, and how many of them
 * training changed; running statistics aside.
 */
export function countParameters({ headed }: Workbench, { trained }: Tuned) {
  const { graph } = headed;
  const count = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + elementCount(graph.initializers.get(name)?.dims ?? [0]), 0);
  const all = trainableParameters(graph);
  return { all: count(all), trained: count(all.filter((name) => trained.has(name))) };
}
