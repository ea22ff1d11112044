import { count, plural } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { RunRecord } from "../record.ts";

/** The dataset and what the audit found in it. */
export function data({ dataset, audit }: RunRecord): Html {
  const total = (split: "train" | "val" | "test") =>
    dataset.classes.reduce((sum, item) => sum + item[split], 0);
  return html`<section>
<h2>The pictures</h2>
<p>${plural(dataset.images, "picture")}: ${count(total("train"))} to train on, ${count(total("val"))} to validate, ${count(total("test"))} held out for the test. The split is stratified and keeps duplicates on one side.</p>
${
  audit.length === 0
    ? html`<p>The audit found nothing wrong.</p>`
    : html`<ul class="audit">${audit.map(
        (finding) =>
          html`<li class="${finding.level}"><details><summary>${finding.says}</summary><ul>${finding.pictures.map((picture) => html`<li><code>${picture}</code></li>`)}${finding.total > finding.pictures.length ? html`<li>and ${finding.total - finding.pictures.length} more</li>` : undefined}</ul></details></li>`,
      )}</ul>`
}
<details><summary>Pictures a class</summary><div class="scroll"><table><thead><tr><th>class</th><th class="n">train</th><th class="n">validation</th><th class="n">test</th></tr></thead><tbody>
${dataset.classes.map((item) => html`<tr><td>${item.name}</td><td class="n">${item.train}</td><td class="n">${item.val}</td><td class="n">${item.test}</td></tr>`)}</tbody></table></div></details>
</section>`;
}
