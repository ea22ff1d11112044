import { type Html, html } from "../html.ts";
import { type Scale, tickLabel } from "./scale.ts";

/** The area a chart draws in, in the SVG's own units. */
export const plot = { width: 540, height: 290, left: 78, right: 28, top: 14, bottom: 48 } as const;

interface Axis {
  readonly scale: Scale;
  readonly ticks: readonly number[];
  readonly label: string;
  readonly format?: (value: number) => string;
}

/** Grid lines, tick labels and axis names around a chart's marks. */
export function axes(x: Axis, y: Axis, marks: readonly Html[], title: string): Html {
  const formatX = x.format ?? tickLabel;
  const formatY = y.format ?? tickLabel;
  const bottom = plot.height - plot.bottom;
  return html`<svg class="chart" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-label="${title}">
${y.ticks.map(
  (tick) =>
    html`<line class="grid" x1="${plot.left}" x2="${plot.width - plot.right}" y1="${fixed(y.scale(tick))}" y2="${fixed(y.scale(tick))}"/><text class="tick" x="${plot.left - 8}" y="${fixed(y.scale(tick) + 4)}" text-anchor="end">${formatY(tick)}</text>`,
)}
${x.ticks.map(
  (tick) =>
    html`<text class="tick" x="${fixed(x.scale(tick))}" y="${bottom + 18}" text-anchor="middle">${formatX(tick)}</text>`,
)}
<text class="axis" x="${(plot.left + plot.width - plot.right) / 2}" y="${plot.height - 8}" text-anchor="middle">${x.label}</text>
<text class="axis" x="14" y="${(plot.top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(plot.top + bottom) / 2})">${y.label}</text>
${marks}</svg>`;
}

/** A polyline through data points. */
export function line(
  points: readonly (readonly [number, number])[],
  x: Scale,
  y: Scale,
  kind: string,
): Html {
  const path = points.map(([px, py]) => `${fixed(x(px))},${fixed(y(py))}`).join(" ");
  return html`<polyline class="line ${kind}" points="${path}"/>`;
}

/** Coordinates with two decimals keep the file small. */
export function fixed(value: number): string {
  return String(Math.round(value * 100) / 100);
}
