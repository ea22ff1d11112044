import { onnxRuntime } from "../node/onnxruntime.ts";
import type { Example } from "../train/fit-options.ts";
import { fitLinearProbe, type LinearProbe } from "../train/linear-probe.ts";
import { probeCodec, probeStateCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import type { FeatureTable } from "./features.ts";
import type { Steps } from "./steps.ts";
import type { Workbench } from "./workbench.ts";

/** Trains a linear probe of a run, from where it was left. */
export function trainProbe(
  name: string,
  train: readonly Example[],
  validation: readonly Example[],
  bench: Workbench,
  features: FeatureTable,
  steps: Steps,
  { signal }: JobContext,
): Promise<LinearProbe> {
  return steps.once(name, probeCodec, async () => {
    const resumeFrom = await steps.restore(name, probeStateCodec);
    return fitLinearProbe({
      runtime: onnxRuntime,
      ...(bench.threads === undefined ? {} : { threads: bench.threads }),
      classes: bench.dataset.classes.length,
      train: features.of(train),
      validation: features.of(validation),
      classWeights: bench.classWeights,
      ...(signal === undefined ? {} : { signal }),
      onCheckpoint: (state) => steps.checkpoint(name, probeStateCodec, state),
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    });
  });
}
