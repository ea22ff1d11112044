import { augmentationStrength } from "../../data/view.ts";
import { wholePercent } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { TrialRecord } from "../record.ts";
import { axes, fixed, line, plot } from "./axes.ts";
import { linear, type Scale, ticks } from "./scale.ts";

/** The trial of the lowest mean validation loss. */
export function bestTrial(trials: readonly TrialRecord[]): TrialRecord {
  return trials.reduce((a, b) => (b.mean < a.mean ? b : a));
}

/**
 * The race or the balance search: validation loss against depth, one line an augmentation
 * strength, error bars over folds, the one-standard-error band above the best and the chosen
 * point. Bars and band are left out where a standard error is not known.
 */
export function searchChart(trials: readonly TrialRecord[], title: string): Html {
  const best = bestTrial(trials);
  const low = Math.min(...trials.map(({ mean, standardError }) => mean - (standardError ?? 0)));
  const high = Math.max(...trials.map(({ mean, standardError }) => mean + (standardError ?? 0)));
  const x = linear(0, 1, plot.left + 8, plot.width - plot.right - 8);
  const y = linear(Math.min(0, low), high, plot.height - plot.bottom, plot.top);
  const marks = [
    ...(best.standardError === null ? [] : [band(best.mean, best.standardError, y)]),
    ...augmentationStrength.options.flatMap((strength) => {
      const own = bestByDepth(trials.filter((trial) => trial.augmentation === strength));
      return own.length === 0
        ? []
        : [
            line(
              own.map((trial) => [trial.depth, trial.mean] as const),
              x,
              y,
              strength,
            ),
            ...own.map(
              (trial) =>
                html`${trial.standardError === null ? undefined : errorBar(x(trial.depth), trial.mean, trial.standardError, y, strength)}<circle class="${trial.chosen ? "dot" : `point ${strength}`}" cx="${fixed(x(trial.depth))}" cy="${fixed(y(trial.mean))}" r="${trial.chosen ? 7 : 4}"><title>${trial.name}, ${strength} augmentation, learning rate ${trial.learningRate}: ${trial.mean.toFixed(3)}</title></circle>`,
            ),
          ];
    }),
  ];
  return axes(
    {
      scale: x,
      ticks: [0, 0.25, 0.5, 0.75, 1],
      label: "thaw point: share of the network kept frozen",
      format: wholePercent,
    },
    { scale: y, ticks: ticks(Math.min(0, low), high, 5), label: "validation loss" },
    marks,
    title,
  );
}

function band(mean: number, standardError: number, y: Scale): Html {
  const top = y(mean + standardError);
  return html`<rect class="band" x="${plot.left}" width="${plot.width - plot.left - plot.right}" y="${fixed(top)}" height="${fixed(y(mean) - top)}"/>`;
}

function errorBar(x: number, mean: number, standardError: number, y: Scale, kind: string): Html {
  return html`<line class="error ${kind}" x1="${fixed(x)}" x2="${fixed(x)}" y1="${fixed(y(mean - standardError))}" y2="${fixed(y(mean + standardError))}"/>`;
}

/**
 * Of several learning rates tried at one thaw point, the line goes through the one chosen, else
 * through the best.
 */
export function bestByDepth(trials: readonly TrialRecord[]): TrialRecord[] {
  const best = new Map<number, TrialRecord>();
  for (const trial of trials) {
    const known = best.get(trial.depth);
    const better = known === undefined || (!known.chosen && trial.mean < known.mean);
    if (better || trial.chosen) best.set(trial.depth, trial);
  }
  return [...best.values()].sort((a, b) => a.depth - b.depth);
}
