import { elementCount } from "../onnx/tensor.ts";
import type { Tuned } from "./fine-tune.ts";
import type { Workbench } from "./workbench.ts";

/** How many numbers training changed, running statistics aside. */
export function trainedParameters({ headed }: Workbench, { trained }: Tuned): number {
  return [...trained.keys()].reduce(
    (sum, name) => sum + elementCount(headed.graph.initializers.get(name)?.dims ?? [0]),
    0,
  );
}
