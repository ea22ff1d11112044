import { duration } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { RunRecord } from "../record.ts";

/** How to use the model, and where everything came from. */
export function use(record: RunRecord, snippet: { node: string; browser: string }): Html {
  const { model, dataset, seconds, quantised } = record;
  return html`<section>
<h2>Use it</h2>
<pre><code>thaw predict model.onnx picture.jpg</code></pre>
<p><code>model.onnx</code> needs nothing but ONNX Runtime; labels and preprocessing are in its metadata.</p>
<details><summary>In Node</summary><pre><code>${snippet.node}</code></pre></details>
<details><summary>In the browser</summary><pre><code>${snippet.browser}</code></pre></details>
${quantised === null ? undefined : html`<p><code>model.int8.onnx</code> is quantised to 8 bits: ${(quantised.bytes / 1e6).toFixed(1)} MB instead of ${(quantised.originalBytes / 1e6).toFixed(1)} MB, measured accuracy ${(quantised.accuracy * 100).toFixed(1)} %.</p>`}
<h2>Provenance</h2>
<dl>
<dt>Network</dt><dd>${model.name} from <code>${model.spec}</code>${model.license === undefined ? "" : `, ${model.license}`}<br><code class="hash">${model.sha256}</code></dd>
<dt>Data</dt><dd><code>${dataset.root}</code><br><code class="hash">${dataset.fingerprint}</code></dd>
<dt>Finished</dt><dd>${record.finished.slice(0, 16).replace("T", " ")} UTC with Thaw ${record.thaw}</dd>
<dt>Time</dt><dd>${Object.entries(seconds).map(([phase, value], index) => `${index === 0 ? "" : ", "}${phase} ${duration(value)}`)}</dd>
</dl>
</section>`;
}
