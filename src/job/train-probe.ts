import { onnxRuntime } from "../node/onnxruntime.ts";
import { fitLinearProbe, type LinearProbe } from "../train/linear-probe.ts";
import { probeCodec, probeStateCodec } from "./codecs.ts";
import type { JobContext } from "./events.ts";
import type { FeatureTable } from "./features.ts";
import type { Steps } from "./steps.ts";
import type { Workbench } from "./workbench.ts";

/** Trains the linear probe of a run, from where it was left. */
export function trainProbe(
  bench: Workbench,
  features: FeatureTable,
  steps: Steps,
  { signal }: JobContext,
): Promise<LinearProbe> {
  const { train, val } = bench.examples;
  return steps.once("probe", probeCodec, async () => {
    const resumeFrom = await steps.restore("probe", probeStateCodec);
    return fitLinearProbe({
      runtime: onnxRuntime,
      ...(bench.threads === undefined ? {} : { threads: bench.threads }),
      classes: bench.dataset.classes.length,
      train: features.of(train),
      validation: features.of(val),
      classWeights: bench.classWeights,
      ...(signal === undefined ? {} : { signal }),
      onCheckpoint: (state) => steps.checkpoint("probe", probeStateCodec, state),
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    });
  });
}
