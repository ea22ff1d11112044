import type { EpochRecord } from "../../train/overfitting.ts";
import { wholePercent } from "../format.ts";
import { type Html, html } from "../html.ts";
import { axes, fixed, line, plot } from "./axes.ts";
import { linear, ticks } from "./scale.ts";

/** Training and validation loss by epoch, the best epoch marked. */
export function lossCurves(epochs: readonly EpochRecord[], bestEpoch: number): Html {
  const highest = Math.max(
    ...epochs.flatMap((epoch) => [epoch.trainLoss, epoch.validationLoss]),
    1e-6,
  );
  return curves(epochs, bestEpoch, highest, "loss", (epoch) => [
    epoch.trainLoss,
    epoch.validationLoss,
  ]);
}

/** Training and validation accuracy by epoch, the best epoch marked. */
export function accuracyCurves(epochs: readonly EpochRecord[], bestEpoch: number): Html {
  return curves(epochs, bestEpoch, 1, "accuracy", (epoch) => [
    epoch.trainAccuracy,
    epoch.validationAccuracy,
  ]);
}

function curves(
  epochs: readonly EpochRecord[],
  bestEpoch: number,
  highest: number,
  label: string,
  pick: (epoch: EpochRecord) => readonly [number, number],
): Html {
  const last = (epochs.at(-1)?.epoch ?? 0) + 1;
  const x = linear(1, Math.max(2, last), plot.left, plot.width - plot.right);
  const y = linear(0, highest, plot.height - plot.bottom, plot.top);
  const series = (index: 0 | 1) =>
    epochs.map((epoch) => [epoch.epoch + 1, pick(epoch)[index]] as const);
  const best = epochs.find((epoch) => epoch.epoch === bestEpoch);
  const marks = [
    line(series(0), x, y, "train"),
    line(series(1), x, y, "val"),
    ...(best === undefined
      ? []
      : [
          html`<line class="mark" x1="${fixed(x(bestEpoch + 1))}" x2="${fixed(x(bestEpoch + 1))}" y1="${plot.top}" y2="${plot.height - plot.bottom}"/><circle class="dot" cx="${fixed(x(bestEpoch + 1))}" cy="${fixed(y(pick(best)[1]))}" r="5"/>`,
        ]),
  ];
  return axes(
    { scale: x, ticks: ticks(1, Math.max(2, last), 8).filter(Number.isInteger), label: "epoch" },
    {
      scale: y,
      ticks: ticks(0, highest, 5),
      label,
      ...(label === "accuracy" ? { format: wholePercent } : {}),
    },
    marks,
    `${label} by epoch, training and validation`,
  );
}
