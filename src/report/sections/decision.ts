import { depthCurve } from "../charts/depth-curve.ts";
import { quadrantChart } from "../charts/quadrant.ts";
import { bestTrial, searchChart } from "../charts/search.ts";
import { certainty } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { RunRecord } from "../record.ts";

/** Why this plan: the two facts, the rule, the measurements and the check. */
export function decision(record: RunRecord): Html {
  const { plan, similarity, depthCurve: curve, chosen, overruled } = record;
  return html`<section>
<h2>Why this plan</h2>
<div class="split">
<div>${quadrantChart(record.size, similarity)}</div>
<div>
${overruled === null ? undefined : html`<p class="notice">${overruled.says}</p><p><b>The rule's plan, before it was overruled:</b></p>`}
<ol class="why">${plan.why.map((sentence) => html`<li>${sentence}</li>`)}</ol>
${plan.why.includes(plan.rule.why) ? undefined : html`<p class="quiet">The bare rule says: ${plan.rule.why}</p>`}
</div>
</div>
<h3>How similar the pictures are to what the model knows</h3>
<p>Verdict: <b>${similarity.verdict}</b>, score ${similarity.score.toFixed(2)} of 1, confidence ${certainty(similarity.confidence)}.</p>
<ul>${similarity.evidence.map((item) => html`<li>${item.says}</li>`)}${similarity.missing.map((says) => html`<li class="quiet">${says}</li>`)}</ul>
${
  curve.length < 2
    ? undefined
    : html`<h3>What frozen features are worth at each depth</h3>
<p class="quiet">Each point is a quick classifier on the features at that depth. Where the curve peaks, the pretrained features fit these pictures best.</p>
${depthCurve(curve, chosen.thawPoint.cut)}`
}
${record.trials.length === 0 ? undefined : search(record)}
</section>`;
}

function search({ trials, plan }: RunRecord): Html {
  const title = plan.check === "race" ? "The race" : "The balance search";
  const banded = bestTrial(trials).standardError !== null;
  const strengths = [...new Set(trials.map((trial) => trial.augmentation))];
  return html`<h3>${title}</h3>
<p class="quiet">Too many trained layers overfit, too few learn nothing: each point is one trial.${banded ? " The band reaches one standard error above the best." : ""} The choice is made on the differences picture by picture, which the chart cannot show: of the trials that are worse than the best by at most two standard errors of that difference (three where the best is the classifier only, which short trials do not hold back), the one that trains the most layers is chosen, so it may stand clearly above the best${banded ? ", and above the band" : ""}.</p>
${searchChart(trials, title)}
<p class="legend">${strengths.map((strength) => html`<span class="key ${strength}">${strength === "none" ? "no" : strength} augmentation</span>`)}<span class="key chosen">chosen</span></p>
<details><summary>All ${trials.length} trials</summary><div class="scroll"><table><thead><tr><th>thaw point</th><th>augmentation</th><th class="n">learning rate</th><th class="n">validation loss</th><th class="n">standard error</th></tr></thead><tbody>
${trials.map(
  (trial) =>
    html`<tr class="${trial.chosen ? "chosen" : ""}"><td>${trial.name}</td><td>${trial.augmentation}</td><td class="n">${trial.learningRate.toPrecision(2)}</td><td class="n">${trial.mean.toFixed(3)}</td><td class="n">${trial.standardError?.toFixed(3) ?? "\u2013"}</td></tr>`,
)}</tbody></table></div></details>`;
}
