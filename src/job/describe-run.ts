import { basename } from "node:path";
import { calibrate } from "../evaluate/calibration.ts";
import { confidentMistakes, type Judged, judgeRows, leastCertain } from "../evaluate/mistakes.ts";
import { openPictures } from "../node/picture-source.ts";
import { pictureThumbnails } from "../node/show-picture.ts";
import { next } from "../plan/balance-search.ts";
import { auditFindings } from "../report/audit-findings.ts";
import { type PictureRecord, type RunRecord, runRecord } from "../report/record.ts";
import type { Example } from "../train/fit-options.ts";
import { judgeOverfitting } from "../train/overfitting.ts";
import { softmax } from "../train/softmax.ts";
import { version } from "../version.ts";
import type { Judgement } from "./judge-model.ts";
import { chosenPlan, type Outcome } from "./outcome.ts";
import type { Pictures } from "./pictures.ts";
import { countParameters } from "./trained-parameters.ts";
import { trialRecords } from "./trial-records.ts";

const mostShown = 12;

/** What judging the finished model found. */
export interface Findings {
  readonly heldOut: readonly Example[];
  readonly judged: Judgement;
  readonly probe: Pick<Judgement, "metrics" | "calibration">;
  readonly temperature: number;
  readonly quantised: RunRecord["quantised"];
}

/** Everything the report shows of a run. */
export async function describeRun(
  outcome: Outcome,
  { heldOut, judged, probe, temperature, quantised }: Findings,
  decided: Pick<RunRecord, "overruled" | "verdict">,
  peakMemoryMB: number,
): Promise<RunRecord> {
  const { run, pictures, network, measured, plan, search, tuned, watch } = outcome;
  const { dataset, audit } = pictures;
  const { pretrained } = network;
  const parameters = countParameters(outcome.bench, tuned);
  const step = search === undefined ? undefined : next(search);
  const labels = heldOut.map(({ label }) => label);
  const classes = dataset.classes.length;
  const rows = judgeRows(judged.probabilities, labels, classes);
  const mistakes = confidentMistakes(rows).slice(0, mostShown);
  const uncertain = leastCertain(rows).slice(0, mostShown);
  const show = await pictureShower(pictures, heldOut, [...mistakes, ...uncertain]);
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
      classes: countBySide(pictures),
    },
    audit: auditFindings(audit),
    model: {
      name: pretrained.name,
      ...pretrained.provenance,
      parameters: parameters.all,
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
      trainedParameters: parameters.trained,
      cache:
        tuned.cache?.why ??
        (tuned.strategy === "head"
          ? "The frozen layers ran once for each picture; the classifier was trained on what they put out."
          : "No layer is frozen, so nothing could be cached."),
    },
    ...decided,
    curves: tuned.fit?.history ?? [],
    bestEpoch: tuned.fit?.bestEpoch ?? 0,
    overfitting:
      tuned.fit === undefined || tuned.fit.history.length === 0
        ? null
        : judgeOverfitting(
            tuned.fit.history,
            tuned.fit.bestEpoch,
            tuned.fit.coefficient,
            outcome.bench.examples.val.length,
          ),
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
    mistakes: mistakes.map(show),
    uncertain: uncertain.map(show),
    quantised,
    seconds: watch.parts,
    peakMemoryMB,
  });
}

function countBySide({ dataset, sides }: Pictures): RunRecord["dataset"]["classes"] {
  const counts = dataset.classes.map((name) => ({ name, train: 0, val: 0, test: 0 }));
  dataset.samples.forEach(({ label }, index) => {
    const own = counts[label];
    if (own !== undefined) own[sides[index] ?? "train"]++;
  });
  return counts;
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

/** Loads the thumbnails of some judged pictures and tells how each of them is shown. */
async function pictureShower(
  { dataset }: Pictures,
  heldOut: readonly Example[],
  judged: readonly Judged[],
): Promise<(one: Judged) => PictureRecord> {
  const sampleOf = ({ row }: Judged) => heldOut[row]?.sample ?? 0;
  const samples = judged.map(sampleOf);
  const thumbnails = await pictureThumbnails(dataset, samples, openPictures(dataset));
  return (one) => {
    const sample = sampleOf(one);
    return {
      id: dataset.samples[sample]?.id ?? "",
      thumbnail: thumbnails.get(sample) ?? "",
      truth: dataset.classes[one.label] ?? "",
      predicted: dataset.classes[one.predicted] ?? "",
      probability: one.confidence,
    };
  };
}
