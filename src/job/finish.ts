import { readFile } from "node:fs/promises";
import { ThawError } from "../errors.ts";
import { calibrate, fitTemperature } from "../evaluate/calibration.ts";
import { measure } from "../evaluate/metrics.ts";
import { errorCode } from "../node/write-file.ts";
import { quantizeWeights } from "../onnx/quantize.ts";
import { writeModel } from "../onnx/write.ts";
import { overruled } from "../plan/overruling.ts";
import { thawIndex } from "../plan/thaw-point.ts";
import { reportPage } from "../report/page.ts";
import type { RunRecord } from "../report/record.ts";
import { exportNetwork } from "../train/export.ts";
import type { Example } from "../train/fit-options.ts";
import { softmax } from "../train/softmax.ts";
import { describeRun } from "./describe-run.ts";
import { heldOutRemark } from "./held-out-remark.ts";
import { describeInspection } from "./inspect.ts";
import { judgeModel } from "./judge-model.ts";
import { chosenPlan, type Outcome } from "./outcome.ts";
import { probeLogits } from "./probe-logits.ts";
import { type TrainResult, trainResult } from "./result.ts";
import type { RunFolder } from "./run-folder.ts";
import { scoreOf } from "./score.ts";

/**
 * The result of a run that is finished already, undefined for any other. What a kill in its last
 * moment left of its work is removed.
 * @throws ThawError `job/unreadable-result`
 */
export async function readFinished(run: RunFolder): Promise<TrainResult | undefined> {
  const path = run.file("result");
  const text = await readFile(path, "utf8").catch((cause) => {
    if (errorCode(cause) === "ENOENT") return "";
    throw new ThawError(
      {
        code: "job/unreadable-result",
        what: "The run's result cannot be read",
        where: path,
        next: "Check the file's permissions and the disk, then run `thaw resume` again.",
      },
      cause,
    );
  });
  const result = parseResult(text);
  if (result !== undefined) {
    await run.forget("checkpoint");
    await run.forget("scratch");
  }
  return result;
}

function parseResult(text: string): TrainResult | undefined {
  try {
    return trainResult.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Few validation pictures may move confidence by about this much, as a logarithm, not more. */
const temperatureSpread = 0.35;

/** Writes the model, judges it on held-out pictures, and writes metrics, report and result. */
export async function finish(outcome: Outcome): Promise<TrainResult> {
  const { run, pictures, bench, tuned, watch, context } = outcome;
  const { options } = run.asked;
  const classes = pictures.dataset.classes;
  context.onEvent?.({ kind: "phase", says: "Judging on held-out pictures" });
  // A dataset whose own split leaves nothing for a test is judged on its validation pictures.
  const heldOut = bench.examples.test.length > 0 ? bench.examples.test : bench.examples.val;

  const labels = bench.examples.val.map(({ label }) => label);
  const temperature = fitTemperature(
    tuned.validationLogits,
    labels,
    classes.length,
    temperatureSpread,
  );
  const model = resultNetwork(outcome, temperature);
  const bytes = writeModel(model);
  await run.write("model", bytes);
  const judged = await judgeModel(bytes, pictures.dataset, heldOut, options, context);
  const probe = judgeProbe(outcome, heldOut);

  let int8: TrainResult["int8"];
  let quantised: RunRecord["quantised"] = null;
  if (options.int8) {
    const small = writeModel(quantizeWeights(model));
    await run.write("quantised", small);
    const { metrics } = await judgeModel(small, pictures.dataset, heldOut, options, context);
    int8 = { model: run.file("quantised"), accuracy: metrics.accuracy };
    quantised = {
      accuracy: metrics.accuracy,
      bytes: small.length,
      originalBytes: bytes.length,
    };
  }

  const score = scoreOf(judged.metrics, judged.calibration, classes);
  const linearProbe = scoreOf(probe.metrics, probe.calibration, classes);
  const baselines = { linearProbe };
  const remark = heldOutRemark(
    judged,
    probe,
    heldOut.map(({ label }) => label),
    classes.length,
  );
  const decided = {
    overruled: overruledBy(outcome),
    verdict: [tuned.verdict, remark].filter((says) => says !== undefined).join(" ") || null,
  };
  const chosen = chosenPlan(outcome);
  await run.write(
    "metrics",
    `${JSON.stringify({ metrics: score, baselines, chosen, temperature, ...(int8 === undefined ? {} : { int8: int8.accuracy }) }, null, 2)}\n`,
  );
  watch.lap("evaluation");
  const peakMemoryMB = Math.round(process.resourceUsage().maxRSS / 1024);
  const record = await describeRun(
    outcome,
    { heldOut, judged, probe, temperature, quantised },
    decided,
    peakMemoryMB,
  );
  await run.write("record", JSON.stringify(record));
  await run.write("report", reportPage(record));

  const result: TrainResult = {
    ...describeInspection(pictures, outcome.measured, outcome.plan),
    run: run.path,
    model: run.file("model"),
    chosen: {
      strategy: chosen.strategy,
      thawPoint: chosen.thawPoint,
      augmentation: chosen.augmentation,
    },
    metrics: score,
    baselines,
    ...decided,
    ...(int8 === undefined ? {} : { int8 }),
    seconds: watch.total(),
    peakMemoryMB,
  };
  await run.write("result", `${JSON.stringify(result, null, 2)}\n`);
  await run.forget("checkpoint");
  return result;
}

function overruledBy({
  search,
  plan,
  network,
  measured,
  tuned,
}: Outcome): TrainResult["overruled"] {
  const { strategy } = plan.rule;
  return overruled(plan, {
    strategy: tuned.strategy,
    thawIndex: tuned.arm.thawIndex,
    ruleIndex: thawIndex(strategy, network.candidates.length, measured.depthCurve),
    search,
  });
}

function resultNetwork(outcome: Outcome, temperature: number) {
  const { bench, tuned, network, pictures } = outcome;
  return exportNetwork({
    network: bench.headed,
    trained: tuned.trained,
    temperature,
    name: network.pretrained.name,
    labels: pictures.dataset.classes,
    preprocessing: network.pretrained.preprocessing,
    provenance: network.pretrained.provenance,
    dataFingerprint: pictures.audit.fingerprint,
    plan: chosenPlan(outcome),
  });
}

function judgeProbe({ probe, features, pictures, bench }: Outcome, heldOut: readonly Example[]) {
  const classes = pictures.dataset.classes.length;
  const temperature = fitTemperature(
    probe.validationLogits,
    bench.examples.val.map(({ label }) => label),
    classes,
    temperatureSpread,
  );
  const data = features.of(heldOut);
  const probabilities = softmax(probeLogits(probe, data.features), classes, temperature);
  return {
    probabilities,
    metrics: measure(probabilities, data.labels, classes),
    calibration: calibrate(probabilities, data.labels, classes),
  };
}
