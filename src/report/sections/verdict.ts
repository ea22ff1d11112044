import { count, duration, percent, plural } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { RunRecord } from "../record.ts";

/** The answer in one look: how good, what was trained, how long it took. */
export function verdict(record: RunRecord): Html {
  const { metrics, baselines, chosen } = record;
  const gain = metrics.accuracy - baselines.linearProbe.accuracy;
  const total = Object.values(record.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const facts: readonly (readonly [string, string, string])[] = [
    [
      percent(metrics.accuracy),
      "held-out accuracy",
      `95 % interval ${percent(metrics.accuracyInterval[0])} to ${percent(metrics.accuracyInterval[1])}, ${plural(metrics.pictures, "picture")}`,
    ],
    [
      Math.abs(gain * 100).toFixed(1),
      `points ${gain >= 0 ? "over" : "under"} the linear probe`,
      `classifier on frozen features: ${percent(baselines.linearProbe.accuracy)}`,
    ],
    [
      percent(chosen.trainedParameters / Math.max(1, record.model.parameters)),
      "of the parameters trained",
      `${count(chosen.trainedParameters)} of ${count(record.model.parameters)}`,
    ],
    [
      duration(total),
      "from folder to model",
      `${Math.round(record.peakMemoryMB)} MB of memory at most`,
    ],
  ];
  return html`<header>
<p class="brand">thaw ${record.thaw}</p>
<h1>${record.name}</h1>
<p class="lead">${headline(record)}</p>
<div class="facts">${facts.map(
    ([value, label, detail]) =>
      html`<div class="fact"><b>${value}</b><span>${label}</span><small>${detail}</small></div>`,
  )}</div>
</header>`;
}

function headline({ chosen, dataset, model }: RunRecord): string {
  const did = {
    head: "trained only the classifier and kept the whole feature extractor frozen",
    rear: `kept everything up to ${chosen.thawPoint.name} frozen and trained the rear part with the classifier`,
    partial: `kept everything up to ${chosen.thawPoint.name} frozen and trained the rest`,
    full: "trained the whole model",
  }[chosen.strategy];
  return `Thaw ${did}, on ${plural(dataset.images, "picture")} of ${plural(dataset.classes.length, "class")}, starting from ${model.name}.`;
}
