import type { ReliabilityBin } from "../../evaluate/calibration.ts";
import { percent, wholePercent } from "../format.ts";
import { type Html, html } from "../html.ts";
import { axes, fixed, plot } from "./axes.ts";
import { linear } from "./scale.ts";

/** How often the model is right when it says it is this sure; the dashed line is honesty. */
export function reliabilityChart(bins: readonly ReliabilityBin[]): Html {
  const x = linear(0, 1, plot.left, plot.width - plot.right);
  const y = linear(0, 1, plot.height - plot.bottom, plot.top);
  const filled = bins.filter((bin) => bin.count > 0);
  const most = Math.max(1, ...filled.map((bin) => bin.count));
  const marks = [
    html`<line class="honest" x1="${fixed(x(0))}" y1="${fixed(y(0))}" x2="${fixed(x(1))}" y2="${fixed(y(1))}"/>`,
    ...filled.map(
      (bin) =>
        html`<circle class="point val" cx="${fixed(x(bin.confidence))}" cy="${fixed(y(bin.accuracy))}" r="${fixed(4 + 8 * Math.sqrt(bin.count / most))}"><title>says ${percent(bin.confidence)}, right ${percent(bin.accuracy)}, ${bin.count} pictures</title></circle>`,
    ),
  ];
  return axes(
    {
      scale: x,
      ticks: [0, 0.25, 0.5, 0.75, 1],
      label: "how sure it says it is",
      format: wholePercent,
    },
    {
      scale: y,
      ticks: [0, 0.25, 0.5, 0.75, 1],
      label: "how often it is right",
      format: wholePercent,
    },
    marks,
    "Calibration",
  );
}
