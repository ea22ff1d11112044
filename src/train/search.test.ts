import { describe, expect, test } from "vitest";
import {
  type Arm,
  type SearchState,
  startSearch,
  type TrialResult,
} from "../plan/balance-search.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import type { LinearProbe } from "./linear-probe.ts";
import { runSearch, type SearchOptions } from "./search.ts";
import { crossEntropies } from "./softmax.ts";
import { tinyExamples, tinyFit, tinyPictures } from "./tiny-task.fixture.ts";

const examples = tinyExamples(0, 12, 3);
const folds = examples.map((_, row) => Math.floor(row / 3) % 2);
const arm = (id: number, learningRate: number): Arm => ({
  id,
  thawIndex: id,
  augmentation: "light",
  learningRate,
  work: 0.1,
});

function searching(arms: readonly Arm[]): SearchState {
  return startSearch({
    arms: [...arms],
    epochsShare: 0.5,
    rungs: [1, 2],
    headIndex: arms.length,
    budget: 100,
  });
}

function options(changes: Partial<SearchOptions> = {}) {
  const log: string[] = [];
  const results: TrialResult[] = [];
  const search: SearchOptions = {
    state: searching([arm(0, 0.05), arm(1, 0.01), arm(2, 0.002)]),
    examples,
    folds,
    probe: (_fold, _train, validation) => probeOfZeros(validation),
    losses: crossEntropies,
    async open({ id, learningRate }) {
      log.push(`open ${id}`);
      const { train: _, validation: __, ...fit } = tinyFit({ learningRate, epochs: 4 });
      return {
        fit,
        close: async () => {
          log.push(`close ${id}`);
        },
      };
    },
    async onTrial(_, result) {
      log.push(`trial ${result.arm}/${result.fold}`);
      results.push(result);
    },
    ...changes,
  };
  return { search, log, results };
}

/** A linear probe that finds every class equally likely. */
const probeOfZeros = async (validation: readonly unknown[]): Promise<LinearProbe> => ({
  weight: new Float32Array(18),
  bias: new Float32Array(3),
  l2: 1,
  iterations: 0,
  validationLogits: new Float32Array(3 * validation.length),
  validationLoss: Math.log(3),
});

const withoutTimes = (results: readonly TrialResult[]) =>
  results.map(({ seconds: _, ...rest }) => rest);

describe("the balance search at work", () => {
  test("runs trials arm by arm, one arm open at a time, judged on held-out pictures", async () => {
    const { search, log, results } = options();
    const { choice, state } = await runSearch(search);
    expect(log.slice(0, 7)).toEqual([
      "open 0",
      "trial 0/0",
      "close 0",
      "open 1",
      "trial 1/0",
      "close 1",
      "open 2",
    ]);
    const opened = log.filter((entry) => entry.startsWith("open")).length;
    expect(log.filter((entry) => entry.startsWith("close"))).toHaveLength(opened);
    expect(results.every(({ losses }) => losses.length === 6)).toBe(true);
    expect(state.results).toEqual(results);
    expect(state.arms).toContainEqual(choice);
  });

  test("passes the planned share of the epochs on", async () => {
    const epochs = new Map<string, number>();
    const { search } = options({
      onEvent: ({ fold }, event) => {
        if (event.kind === "epoch") epochs.set(`fold ${fold}`, event.epochs);
      },
    });
    await runSearch(search);
    expect(epochs.get("fold 0")).toBe(2);
  });

  test("cuts a trial short where the time runs out", async () => {
    const planned: number[] = [];
    const { search } = options({
      state: { ...searching([arm(0, 0.05)]), epochsShare: 1, budgetSeconds: 1e-6 },
      onEvent: (_, event) => {
        if (event.kind === "epoch") planned.push(event.epochs);
      },
    });
    await runSearch(search);
    expect(planned).toEqual([1]);
  });

  test("drops an arm that diverges and goes on", async () => {
    const pictures = tinyPictures(3);
    const { search, results } = options();
    const outcome = await runSearch({
      ...search,
      async open(asked) {
        const opened = await search.open(asked);
        if (asked.id !== 0) return opened;
        const features = {
          dims: pictures.dims,
          load: async (views: Parameters<typeof pictures.load>[0]) =>
            (await pictures.load(views)).fill(Number.POSITIVE_INFINITY),
        };
        return { ...opened, fit: { ...opened.fit, features } };
      },
    });
    expect(results[0]).toMatchObject({ arm: 0, losses: [] });
    expect(outcome.choice.id).not.toBe(0);
    expect(outcome.state.alive).not.toContain(0);
  });

  test("starts the trials of a fold from one linear probe, made once", async () => {
    const asked: number[] = [];
    const { search, results } = options({
      probe: async (_fold, train, validation) => {
        asked.push(validation.length);
        expect(train.some(({ sample }) => validation.some((held) => held.sample === sample))).toBe(
          false,
        );
        return probeOfZeros(validation);
      },
    });
    const frozen = {
      ...search,
      open: async (asked: Arm) => {
        const opened = await search.open(asked);
        return { ...opened, fit: { ...opened.fit, learningRate: 1e-9 } };
      },
    };
    await runSearch(frozen);
    expect(asked.length).toBe(new Set(results.map(({ fold }) => fold)).size);
    // A head of zeros that hardly learns leaves every class equally likely.
    for (const loss of results[0]?.losses ?? []) expect(loss).toBeCloseTo(Math.log(3), 5);
  });

  test("the classifier's own trial is the linear probe, and opens nothing", async () => {
    const { search, log, results } = options();
    await runSearch({ ...search, state: { ...search.state, headIndex: 0 } });
    expect(log[0]).toBe("trial 0/0");
    for (const loss of results[0]?.losses ?? []) expect(loss).toBeCloseTo(Math.log(3), 5);
  });

  test("resumed from any trial and from inside one it comes to the same results", async () => {
    const states: SearchState[] = [];
    const inside: { search: SearchState; fit: Uint8Array }[] = [];
    const { search } = options();
    let latest = search.state;
    const whole = await runSearch({
      ...search,
      onTrial: async (state) => {
        states.push(state);
        latest = state;
      },
      onCheckpoint: async (fit) => {
        inside.push({ search: latest, fit: Buffer.concat(encodeCheckpoint(fit)) });
      },
    });
    const essence = ({ state, choice }: typeof whole) => ({
      choice,
      results: withoutTimes(state.results),
    });
    for (const state of states) {
      expect(essence(await runSearch({ ...search, state }))).toEqual(essence(whole));
    }
    const middle = inside[Math.floor(inside.length / 2)];
    if (middle === undefined) throw new Error("no checkpoint inside a trial");
    const resumeFrom = decodeCheckpoint(middle.fit);
    const resumed = await runSearch({ ...search, state: middle.search, resumeFrom });
    expect(essence(resumed)).toEqual(essence(whole));
  });

  test("an abort closes the arm and throws the reason", async () => {
    const control = new AbortController();
    const { search, log } = options({
      signal: control.signal,
      onEvent: () => control.abort(new Error("enough")),
    });
    await expect(runSearch(search)).rejects.toThrow("enough");
    expect(log).toEqual(["open 0", "close 0"]);
  });
});
