import { readFile, rm } from "node:fs/promises";
import { basename } from "node:path";
import { calibrate, fitTemperature } from "../evaluate/calibration.ts";
import { measure } from "../evaluate/metrics.ts";
import { confidentMistakes, type Judged, leastCertain } from "../evaluate/mistakes.ts";
import { depthOf } from "../measure/transferability.ts";
import { pictureThumbnail } from "../node/show-picture.ts";
import { quantizeWeights } from "../onnx/quantize.ts";
import { writeModel } from "../onnx/write.ts";
import { advantage, next, type SearchState } from "../plan/balance-search.ts";
import type { Plan } from "../plan/plan.ts";
import { thawIndex } from "../plan/thaw-point.ts";
import { overruled as judgeOverruled } from "../plan/verdict.ts";
import { auditFindings } from "../report/audit-findings.ts";
import { reportPage } from "../report/page.ts";
import { type PictureRecord, type RunRecord, runRecord } from "../report/record.ts";
import { exportNetwork } from "../train/export.ts";
import type { Example } from "../train/fit-options.ts";
import type { LinearProbe } from "../train/linear-probe.ts";
import { judgeOverfitting } from "../train/overfitting.ts";
import { softmax } from "../train/softmax.ts";
import { version } from "../version.ts";
import type { JobContext } from "./events.ts";
import type { FeatureTable } from "./features.ts";
import type { Tuned } from "./fine-tune.ts";
import { describeInspection } from "./inspect.ts";
import { type Judgement, judgeModel } from "./judge-model.ts";
import type { Network } from "./network.ts";
import type { Pictures } from "./pictures.ts";
import { probeLogits } from "./probe-logits.ts";
import { type TrainResult, trainResult } from "./result.ts";
import type { RunFolder } from "./run-folder.ts";
import { scoreOf } from "./score.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { Survey } from "./survey.ts";
import { trainedParameters } from "./trained-parameters.ts";
import { trialRecords } from "./trial-records.ts";
import type { Workbench } from "./workbench.ts";

/** Everything a run came to, before it is written down. */
export interface Outcome {
  readonly run: RunFolder;
  readonly pictures: Pictures;
  readonly network: Network;
  readonly bench: Workbench;
  readonly features: FeatureTable;
  readonly measured: Survey;
  readonly plan: Plan;
  readonly probe: LinearProbe;
  readonly search: SearchState | undefined;
  readonly tuned: Tuned;
  readonly watch: Stopwatch;
  readonly context: JobContext;
}

const mostShown = 12;

/** The result of a run that is finished already; undefined for any other. */
export async function readFinished(run: RunFolder): Promise<TrainResult | undefined> {
  try {
    return trainResult.parse(JSON.parse(await readFile(run.file("result"), "utf8")));
  } catch {
    return undefined;
  }
}

/** Writes the model, judges it on held-out pictures, and writes metrics, report and result. */
export async function finish(outcome: Outcome): Promise<TrainResult> {
  const { run, pictures, bench, tuned, watch, context } = outcome;
  const { options } = run.asked;
  const classes = pictures.dataset.classes;
  context.onEvent?.({ kind: "phase", says: "Judging on held-out pictures" });
  // A dataset whose own split leaves nothing for a test is judged on its validation pictures.
  const heldOut = bench.examples.test.length > 0 ? bench.examples.test : bench.examples.val;

  const labels = bench.examples.val.map(({ label }) => label);
  const temperature = fitTemperature(tuned.validationLogits, labels, classes.length);
  const model = resultNetwork(outcome, temperature);
  const bytes = writeModel(model);
  await run.write("model", bytes);
  const judging = { threads: options.threads, memoryBytes: bench.memoryBytes / 2 };
  const judged = await judgeModel(bytes, pictures.dataset, heldOut, judging, context);
  const probe = judgeProbe(outcome, heldOut);

  let int8: TrainResult["int8"];
  let quantised: RunRecord["quantised"] = null;
  if (options.int8) {
    const small = writeModel(quantizeWeights(model));
    await run.write("quantised", small);
    const { metrics } = await judgeModel(small, pictures.dataset, heldOut, judging, context);
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
  const overruled = judgeOverruled(outcome.plan, tuned.strategy, advantageOf(outcome));
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
    overruled,
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
    overruled,
    ...(int8 === undefined ? {} : { int8 }),
    seconds: watch.total(),
    peakMemoryMB,
  };
  await run.write("result", `${JSON.stringify(result, null, 2)}\n`);
  await rm(run.file("checkpoint"), { recursive: true, force: true });
  return result;
}

/** How the arm chosen compared with what the rule says, where the check tried both. */
function advantageOf({ search, plan, network, measured }: Outcome) {
  const step = search === undefined ? undefined : next(search);
  if (search === undefined || step?.kind !== "done") return undefined;
  const { rule } = plan;
  return advantage(
    search,
    step.choice,
    thawIndex(rule.strategy, network.candidates.length, measured.depthCurve),
  );
}

/** The plan as it was carried out. */
function chosenPlan({ plan, tuned, network }: Outcome): Plan {
  const cut = network.candidates[tuned.arm.thawIndex];
  return {
    ...plan,
    strategy: tuned.strategy,
    thawPoint:
      cut === undefined ? plan.thawPoint : { cut: cut.value, name: cut.name, depth: depthOf(cut) },
    augmentation: tuned.arm.augmentation,
    learningRate: tuned.arm.learningRate,
  };
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
  );
  const data = features.of(heldOut);
  const probabilities = softmax(probeLogits(probe, data.features), classes, temperature);
  return {
    metrics: measure(probabilities, data.labels, classes),
    calibration: calibrate(probabilities, data.labels, classes),
  };
}

interface Findings {
  readonly heldOut: readonly Example[];
  readonly judged: Judgement;
  readonly probe: ReturnType<typeof judgeProbe>;
  readonly temperature: number;
  readonly quantised: RunRecord["quantised"];
}

async function describeRun(
  outcome: Outcome,
  { heldOut, judged, probe, temperature, quantised }: Findings,
  overruled: RunRecord["overruled"],
  peakMemoryMB: number,
): Promise<RunRecord> {
  const { run, pictures, network, measured, plan, search, tuned, watch } = outcome;
  const { dataset, sides, audit } = pictures;
  const { pretrained, cuts } = network;
  const [first] = cuts;
  const step = search === undefined ? undefined : next(search);
  const count = (label: number, side: string) =>
    dataset.samples.filter((sample, index) => sample.label === label && sides[index] === side)
      .length;
  const show = (found: readonly Judged[]) =>
    Promise.all(found.map((one) => showPicture(outcome, heldOut, one)));
  const labels = heldOut.map(({ label }) => label);
  const classes = dataset.classes.length;
  const { probabilities } = judged;
  const chosen = chosenPlan(outcome);
  return runRecord.parse({
    thaw: version,
    name: basename(run.path),
    finished: new Date().toISOString(),
    dataset: {
      root: dataset.root,
      layout: dataset.layout,
      images: audit.images,
      fingerprint: audit.fingerprint,
      classes: dataset.classes.map((name, label) => ({
        name,
        train: count(label, "train"),
        val: count(label, "val"),
        test: count(label, "test"),
      })),
    },
    audit: auditFindings(audit),
    model: {
      name: pretrained.name,
      ...pretrained.provenance,
      parameters: (first?.parametersBefore ?? 0) + (first?.parametersAfter ?? 0),
      inputSize: [pretrained.preprocessing.width, pretrained.preprocessing.height],
      shorterSide:
        pretrained.preprocessing.fit === "squash"
          ? null
          : (pretrained.preprocessing.resize ??
            Math.max(pretrained.preprocessing.width, pretrained.preprocessing.height)),
      interpolation: pretrained.preprocessing.interpolation,
    },
    size: measured.size,
    similarity: measured.similarity,
    depthCurve: measured.depthCurve?.points ?? [],
    plan,
    chosen: {
      strategy: chosen.strategy,
      thawPoint: chosen.thawPoint,
      augmentation: chosen.augmentation,
      trainedParameters: trainedParameters(outcome.bench, tuned),
      cache:
        tuned.cache?.why ??
        (tuned.strategy === "head"
          ? "The frozen layers ran once for each picture; the classifier was trained on what they put out."
          : "No layer is frozen, so nothing could be cached."),
    },
    overruled,
    curves: tuned.fit?.history ?? [],
    bestEpoch: tuned.fit?.bestEpoch ?? 0,
    overfitting:
      tuned.fit === undefined || tuned.fit.history.length === 0
        ? null
        : judgeOverfitting(tuned.fit.history, outcome.bench.examples.val.length),
    verdict: tuned.verdict?.says ?? null,
    trials:
      search === undefined || step?.kind !== "done"
        ? []
        : trialRecords(search, step.choice, network),
    metrics: judged.metrics,
    baselines: { linearProbe: probe.metrics },
    calibration: {
      temperature,
      before: uncalibrated(judged, labels, classes, temperature),
      after: judged.calibration,
    },
    mistakes: await show(confidentMistakes(probabilities, labels, classes, mostShown)),
    uncertain: await show(leastCertain(probabilities, labels, classes, mostShown)),
    quantised,
    seconds: watch.parts,
    peakMemoryMB,
  });
}

/** What the probabilities would have been without the temperature: softmax of T log p. */
function uncalibrated(
  { probabilities }: Judgement,
  labels: readonly number[],
  classes: number,
  temperature: number,
) {
  const logits = Float64Array.from(
    probabilities,
    (p) => temperature * Math.log(Math.max(p, 1e-30)),
  );
  return calibrate(softmax(logits, classes), labels, classes);
}

async function showPicture(
  { pictures: { dataset } }: Outcome,
  heldOut: readonly Example[],
  { row, label, predicted, confidence }: Judged,
): Promise<PictureRecord> {
  const sample = heldOut[row]?.sample ?? 0;
  return {
    id: dataset.samples[sample]?.id ?? "",
    thumbnail: await pictureThumbnail(dataset, sample),
    truth: dataset.classes[label] ?? "",
    predicted: dataset.classes[predicted] ?? "",
    probability: confidence,
  };
}
