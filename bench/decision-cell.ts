import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assignSplits, stratifiedSubset } from "../src/data/split.ts";
import type { PictureLoader } from "../src/data/view.ts";
import { openLoader, planFor } from "../src/job/inspect.ts";
import { type Network, openNetwork } from "../src/job/network.ts";
import { parseOptions, type TrainOptions, trainOptions } from "../src/job/options.ts";
import { type Pictures, readPictures } from "../src/job/pictures.ts";
import { type KnownFeatures, type Survey, survey } from "../src/job/survey.ts";
import type { Plan } from "../src/plan/plan.ts";

/** One question to decide: these pictures, this many of them, this network, this seed. */
export interface CellSetting {
  readonly folder: string;
  readonly dataset: string;
  /** Pictures to train and validate on. */
  readonly amount: number;
  readonly seed: number;
  readonly model: string;
  readonly imageSize?: number;
  readonly threads?: number;
  readonly memoryMB: number;
}

/** A cell as the job sees it, with pictures kept aside that no part of the job looks at. */
export interface Cell {
  readonly setting: CellSetting;
  /** What Thaw is given: pictures to train and validate on, no test. */
  readonly given: Pictures;
  /** The same with the held-out pictures behind them, as the test side. */
  readonly all: Pictures;
  readonly network: Network;
  readonly loader: PictureLoader;
  readonly options: TrainOptions;
  readonly measured: Survey;
  readonly known: KnownFeatures;
  readonly measuringSeconds: number;
  readonly scratch: string;
  plan(options: Partial<TrainOptions>): Plan;
  close(): Promise<void>;
}

/** At most this many held-out pictures; at most half of a folder is held out. */
const mostHeldOut = 400;

export function heldOutCount(pictures: number): number {
  return Math.min(mostHeldOut, Math.floor(pictures / 2));
}

/** Deals a folder into held-out pictures, which depend on the seed alone, and the amount given. */
export function dealCell(
  folder: Pictures,
  amount: number,
  seed: number,
): Pick<Cell, "given" | "all"> {
  const { dataset } = folder;
  const samples = dataset.samples.map(({ split: _, ...sample }) => sample);
  const count = heldOutCount(samples.length);
  const dealt = assignSplits(samples, folder.alike, {
    validation: 0,
    test: count / samples.length,
    seed,
  });
  const pool = dealt.flatMap((side, i) => (side === "test" ? [] : [i]));
  const chosen = stratifiedSubset(
    pool.flatMap((i) => samples[i] ?? []),
    amount,
    seed,
  ).flatMap((row) => pool[row] ?? []);
  const test = dealt.flatMap((side, i) => (side === "test" ? [i] : []));
  const given = pick(folder, chosen, seed);
  const whole = [...chosen, ...test];
  const all = {
    ...pick(folder, whole, seed),
    sides: [...given.sides, ...test.map(() => "test" as const)],
  };
  return { given, all };
}

function pick(folder: Pictures, chosen: readonly number[], seed: number): Pictures {
  const rowOf = new Map(chosen.map((sample, row) => [sample, row]));
  const samples = chosen.flatMap((i) => {
    const sample = folder.dataset.samples[i];
    if (sample === undefined) return [];
    const { split: _, ...rest } = sample;
    return [rest];
  });
  const alike = folder.alike
    .map((group) => group.flatMap((i) => rowOf.get(i) ?? []))
    .filter((group) => group.length > 1);
  return {
    ...folder,
    dataset: { ...folder.dataset, samples },
    digests: chosen.map((i) => folder.digests[i] ?? ""),
    alike,
    // The share of the pictures given that the job's defaults would validate on.
    sides: assignSplits(samples, alike, { validation: 0.15 / 0.85, test: 0, seed }),
  };
}

export async function openCell(folder: Pictures, setting: CellSetting): Promise<Cell> {
  const options = parseOptions(trainOptions, {
    model: setting.model,
    seed: setting.seed,
    memoryMB: setting.memoryMB,
    ...(setting.threads === undefined ? {} : { threads: setting.threads }),
    ...(setting.imageSize === undefined ? {} : { imageSize: setting.imageSize }),
  });
  const dealt = dealCell(folder, setting.amount, setting.seed);
  const scratch = join(tmpdir(), `thaw-decision-${process.pid}`);
  const network = await openNetwork(options, {});
  const loader = openLoader(dealt.all, network, options, {});
  const began = performance.now();
  const { measured, known } = await survey(dealt.given, network, loader, options, {});
  return {
    setting,
    ...dealt,
    network,
    loader,
    options,
    measured,
    known,
    measuringSeconds: (performance.now() - began) / 1000,
    scratch,
    plan: (more) => planFor(dealt.given, network, measured, { ...options, ...more }),
    async close() {
      await loader.close();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

export async function openFolder(folder: string): Promise<Pictures> {
  return readPictures(folder, parseOptions(trainOptions, {}), {});
}
