import { accuracyCurves, lossCurves } from "../charts/training-curves.ts";
import { type Html, html } from "../html.ts";
import type { RunRecord } from "../record.ts";

/** How training went, and whether it overfitted. */
export function training(record: RunRecord): Html | undefined {
  if (record.curves.length === 0) return undefined;
  return html`<section>
<h2>Training</h2>
<p>${record.verdict ?? undefined}</p>
<p>${record.overfitting?.says}</p>
<div class="split"><div>${lossCurves(record.curves, record.bestEpoch)}</div><div>${accuracyCurves(record.curves, record.bestEpoch)}</div></div>
<p class="legend"><span class="key train">training</span><span class="key val">validation</span><span class="key chosen">best epoch, ${record.bestEpoch + 1}</span></p>
<p class="quiet">${record.chosen.cache}</p>
</section>`;
}
