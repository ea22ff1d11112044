import { Html, html } from "./html.ts";
import type { RunRecord } from "./record.ts";
import { data } from "./sections/data.ts";
import { decision } from "./sections/decision.ts";
import { results } from "./sections/results.ts";
import { training } from "./sections/training.ts";
import { use } from "./sections/use.ts";
import { verdict } from "./sections/verdict.ts";
import { browserSnippet, nodeSnippet } from "./snippets.ts";
import { style } from "./style.ts";

/** The report of a run as one self-contained HTML page: no script, no request to anywhere. */
export function reportPage(record: RunRecord): string {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${record.name} \u00b7 thaw</title><style>${new Html(style)}</style></head><body>
${verdict(record)}
${decision(record)}
${training(record)}
${results(record)}
${data(record)}
${use(record, { node: nodeSnippet(record.model), browser: browserSnippet(record.model) })}
</body></html>
`;
  return page.toString();
}
