import { reliabilityChart } from "../charts/reliability.ts";
import { percent, probability } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { PictureRecord, RunRecord } from "../record.ts";

/** Beyond this many classes a matrix is wallpaper; the worst pairs are listed instead. */
const readableClasses = 30;

/** What the model gets right and wrong on pictures it has never seen. */
export function results(record: RunRecord): Html {
  return html`<section>
<h2>On pictures it has never seen</h2>
${record.dataset.classes.length <= readableClasses ? confusionMatrix(record) : undefined}
${confusedPairs(record)}
<h3>Class by class</h3>
${classTable(record)}
<h3>Can its probabilities be trusted?</h3>
<p>Expected calibration error ${percent(record.calibration.after.ece)} (${percent(record.calibration.before.ece)} before calibration with temperature ${record.calibration.temperature.toFixed(2)}). Points on the dashed line mean: when it says 80 %, it is right 80 % of the time.</p>
<div class="narrow">${reliabilityChart(record.calibration.after.bins)}</div>
${gallery("The most confident mistakes", "Often a wrong label, or something the classes do not say.", record.mistakes)}
${gallery("The least certain pictures", "More pictures like these would teach it most.", record.uncertain)}
</section>`;
}

function confusionMatrix({ metrics: { confusion }, dataset }: RunRecord): Html {
  return html`<h3>Confusion matrix</h3>
<p class="quiet">Rows are the true classes, columns what the model said.</p>
<div class="scroll"><table class="matrix"><thead><tr><th></th>${dataset.classes.map((item) => html`<th><span>${item.name}</span></th>`)}</tr></thead><tbody>
${confusion.map((row, truth) => {
  const total = Math.max(
    1,
    row.reduce((sum, value) => sum + value, 0),
  );
  return html`<tr><th>${dataset.classes[truth]?.name}</th>${row.map(
    (value, said) =>
      html`<td class="${said === truth ? "right" : "wrong"}" style="--share:${(value / total).toFixed(3)}">${value === 0 ? "" : value}</td>`,
  )}</tr>`;
})}</tbody></table></div>`;
}

function confusedPairs({ metrics: { confusion }, dataset }: RunRecord): Html | undefined {
  const pairs = confusion
    .flatMap((row, truth) => row.map((value, said) => ({ truth, said, value })))
    .filter(({ truth, said, value }) => truth !== said && value > 0)
    .sort((a, b) => b.value - a.value)
    .slice(0, 5);
  const name = (index: number) => dataset.classes[index]?.name;
  if (pairs.length === 0 || dataset.classes.length < 3) return undefined;
  return html`<p>Most confused: ${pairs.map(
    ({ truth, said, value }, index) =>
      html`${index === 0 ? "" : "; "}<b>${name(truth)}</b> taken for <b>${name(said)}</b> (${value})`,
  )}.</p>`;
}

function classTable({ metrics, dataset }: RunRecord): Html {
  return html`<div class="scroll"><table><thead><tr><th>class</th><th class="n">pictures</th><th class="n">recall</th><th class="n">precision</th><th class="n">F1</th></tr></thead><tbody>
${metrics.perClass.map(
  (item, index) =>
    html`<tr><td>${dataset.classes[index]?.name}</td><td class="n">${item.support}</td><td class="n">${percent(item.recall)}</td><td class="n">${percent(item.precision)}</td><td class="n">${item.f1.toFixed(3)}</td></tr>`,
)}</tbody></table></div>`;
}

function gallery(
  title: string,
  hint: string,
  pictures: readonly PictureRecord[],
): Html | undefined {
  if (pictures.length === 0) return undefined;
  return html`<h3>${title}</h3><p class="quiet">${hint}</p><div class="gallery">${pictures.map(
    (picture) =>
      html`<figure><img loading="lazy" src="${picture.thumbnail}" alt="${picture.id}" title="${picture.id}"><figcaption><b>${picture.predicted}</b> ${probability(picture.probability)}<br>${picture.predicted === picture.truth ? "right" : html`truly <b>${picture.truth}</b>`}</figcaption></figure>`,
  )}</div>`;
}
