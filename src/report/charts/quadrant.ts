import type { SimilarityVerdict, SizeVerdict } from "../../measure/measurement.ts";
import { count } from "../format.ts";
import { type Html, html } from "../html.ts";
import { fixed } from "./axes.ts";
import { linear } from "./scale.ts";

const view = { width: 480, height: 350 } as const;
const box = { left: 34, top: 8, width: 436, height: 308 } as const;
/** The border between small and large stands in the middle of a logarithmic axis. */
const border = 1000;

/** The four-quadrant picture with the dataset's place in it. */
export function quadrantChart(size: SizeVerdict, similarity: SimilarityVerdict): Html {
  const decades = linear(-2, 2, box.top + box.height, box.top);
  const y = decades(Math.max(-1.9, Math.min(1.9, Math.log10(Math.max(1, size.images) / border))));
  const x = linear(0, 1, box.left + box.width, box.left)(similarity.score);
  const middleX = box.left + box.width / 2;
  const middleY = box.top + box.height / 2;
  const cells = [
    { left: box.left, top: box.top, name: "rear part + classifier", on: "large, similar" },
    { left: middleX, top: box.top, name: "whole model", on: "large, dissimilar" },
    { left: box.left, top: middleY, name: "classifier only", on: "small, similar" },
    { left: middleX, top: middleY, name: "some layers, searched", on: "small, dissimilar" },
  ];
  const column = similarity.verdict === "similar" ? 0 : 1;
  const here =
    similarity.verdict === "ambiguous" ? undefined : (size.verdict === "large" ? 0 : 2) + column;
  // Names keep to the outer corners: the dot of most datasets lies near the middle.
  const nameAt = (index: number) => (index < 2 ? box.top + 32 : box.top + box.height - 38);
  const labelOnLeft = x > box.left + box.width - 140;
  return html`<svg class="chart" viewBox="0 0 ${view.width} ${view.height}" role="img" aria-label="Where this dataset stands">
${cells.map(
  (cell, index) =>
    html`<rect class="${index === here ? "cell here" : "cell"}" x="${cell.left + 3}" y="${cell.top + 3}" width="${box.width / 2 - 6}" height="${box.height / 2 - 6}" rx="8"/><text class="cell-name" x="${cell.left + 16}" y="${nameAt(index)}">${cell.name}</text><text class="tick" x="${cell.left + 16}" y="${nameAt(index) + 19}">${cell.on}</text>`,
)}
<text class="axis" x="${box.left}" y="${view.height - 10}">similar to the pretraining data</text>
<text class="axis" x="${box.left + box.width}" y="${view.height - 10}" text-anchor="end">dissimilar</text>
<text class="axis" transform="rotate(-90 20 ${box.top + box.height})" x="20" y="${box.top + box.height}">few pictures</text>
<text class="axis" transform="rotate(-90 20 ${box.top})" x="20" y="${box.top}" text-anchor="end">many</text>
<circle class="halo" cx="${fixed(x)}" cy="${fixed(y)}" r="16"/><circle class="dot" cx="${fixed(x)}" cy="${fixed(y)}" r="7"/>
<text class="dot-label" x="${fixed(labelOnLeft ? x - 22 : x + 22)}" y="${fixed(y + 5)}" text-anchor="${labelOnLeft ? "end" : "start"}">${count(size.images)} pictures</text>
</svg>`;
}
