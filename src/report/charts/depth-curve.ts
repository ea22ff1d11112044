import type { DepthPoint } from "../../measure/measurement.ts";
import { percent, wholePercent } from "../format.ts";
import { type Html, html } from "../html.ts";
import { axes, fixed, line, plot } from "./axes.ts";
import { linear, ticks } from "./scale.ts";

/** How well frozen features at each depth tell the classes apart, what stayed frozen marked. */
export function depthCurve(points: readonly DepthPoint[], thawPoint: string): Html {
  const scores = points.map((point) => point.score);
  const low = Math.max(0, Math.min(...scores) - 0.05);
  const high = Math.min(1, Math.max(...scores) + 0.05);
  const x = linear(0, 1, plot.left, plot.width - plot.right);
  const y = linear(low, high, plot.height - plot.bottom, plot.top);
  const thawed = points.find((point) => point.cut === thawPoint && point.depth > 0);
  const marks = [
    ...(thawed === undefined
      ? []
      : [
          html`<rect class="frozen" x="${plot.left}" y="${plot.top}" width="${fixed(x(thawed.depth) - plot.left)}" height="${plot.height - plot.bottom - plot.top}"/><line class="mark" x1="${fixed(x(thawed.depth))}" x2="${fixed(x(thawed.depth))}" y1="${plot.top}" y2="${plot.height - plot.bottom}"/><text class="tick" x="${fixed(x(thawed.depth) - 8)}" y="${plot.top + 14}" text-anchor="end">frozen</text>`,
        ]),
    line(
      points.map((point) => [point.depth, point.score] as const),
      x,
      y,
      "val",
    ),
    ...points.map(
      (point) =>
        html`<circle class="${point.cut === thawPoint ? "dot" : "point"}" cx="${fixed(x(point.depth))}" cy="${fixed(y(point.score))}" r="${point.cut === thawPoint ? 6 : 4}"><title>${point.name}: ${percent(point.score)}</title></circle>`,
    ),
  ];
  return axes(
    {
      scale: x,
      ticks: [0, 0.25, 0.5, 0.75, 1],
      label: "depth: share of the network's work done so far",
      format: wholePercent,
    },
    { scale: y, ticks: ticks(low, high, 5), label: "probe accuracy", format: wholePercent },
    marks,
    "Transferability by depth",
  );
}
