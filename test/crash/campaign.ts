import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomFor } from "../../src/data/random.ts";
import { type Chain, fingerprintOf, type Kill, runChain } from "./chain.ts";
import { runJob } from "./job-process.ts";
import { type TinyTask, ways, writeTinyTask } from "./tiny-task.fixture.ts";

/**
 * Kills runs of every kind at every named write point and at random moments, resumes them, and
 * compares what they leave with an uninterrupted run: `npm run test:crash [-- --kills 240]`.
 * Exits with 1 if anything is lost or different.
 */
const { values } = parseArgs({
  options: { kills: { type: "string", default: "240" }, seed: { type: "string", default: "0" } },
});
const random = randomFor("campaign", Number(values.seed));

interface Reference {
  readonly way: string;
  readonly milliseconds: number;
  readonly points: readonly string[];
  readonly fingerprint: string;
}

interface Row {
  runs: number;
  named: number;
  random: number;
  lost: number;
  different: number;
}

const folder = await mkdtemp(join(tmpdir(), "thaw-crash-"));
try {
  const task = await writeTinyTask(folder);
  const names = Object.keys(ways(task));
  const references: Reference[] = [];
  for (const way of names) references.push(await undisturbed(task, way));
  const rows = new Map(names.map((way) => [way, emptyRow()]));
  const problems: string[] = [];
  const cases = plan(references, Number(values.kills));
  let [started, finished, struck] = [0, 0, 0];
  const lane = async () => {
    for (let index = started++; index < cases.length; index = started++) {
      const { reference, kills } = cases[index] ?? {};
      if (reference === undefined || kills === undefined) continue;
      const chain = await disturbed(task, reference, kills, index);
      count(rows.get(reference.way), chain);
      if (chain.outcome !== "same") problems.push(`${reference.way}: ${describe(kills, chain)}`);
      finished++;
      struck += chain.struck.length;
      process.stderr.write(
        `\r${finished} of ${cases.length} runs, ${struck} kills, ${problems.length} lost or different`,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  process.stderr.write("\n");
  print(rows, new Set(references.flatMap(({ points }) => points)).size);
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function undisturbed(task: TinyTask, way: string): Promise<Reference> {
  const run = join(folder, `reference ${way}`);
  const options = ways(task)[way] ?? {};
  const { end, milliseconds, errors } = await runJob({
    action: "train",
    run,
    pictures: task.pictures,
    options,
  });
  if (end?.kind !== "done") throw new Error(`${way}: ${JSON.stringify(end)} ${errors}`);
  return { way, milliseconds, points: end.points, fingerprint: await fingerprintOf(run) };
}

/** Every named point once in some way that passes it, then random moments until there are enough. */
function plan(references: readonly Reference[], wanted: number) {
  const cases: { readonly reference: Reference; readonly kills: readonly Kill[] }[] = [];
  const later = (reference: Reference): Kill => ({
    after: random.between(0, reference.milliseconds),
  });
  const points = new Set(references.flatMap((reference) => reference.points.map(numberless)));
  let turn = 0;
  for (const point of points) {
    const passing = references.filter((one) => one.points.some((own) => numberless(own) === point));
    const reference = passing[turn++ % passing.length];
    if (reference === undefined) continue;
    const occurrences = reference.points.filter((own) => numberless(own) === point);
    const chosen = occurrences[random.integer(0, occurrences.length - 1)] ?? point;
    const times = reference.points.filter((own) => own === chosen).length;
    const named: Kill = { point: chosen, nth: random.integer(1, times) };
    cases.push({ reference, kills: [named, later(reference)] });
  }
  for (let kills = 2 * cases.length; kills < wanted; kills += 3) {
    const reference = references[turn++ % references.length];
    if (reference === undefined) continue;
    cases.push({ reference, kills: [later(reference), later(reference), later(reference)] });
  }
  return cases;
}

/** `trial-7` and `trial-12` are one point. */
function numberless(point: string): string {
  return point.replace(/\d+/g, "N");
}

async function disturbed(
  task: TinyTask,
  reference: Reference,
  kills: readonly Kill[],
  index: number,
): Promise<Chain> {
  const run = join(folder, `run ${index}`);
  const options = ways(task)[reference.way] ?? {};
  const chain = await runChain(
    { run, pictures: task.pictures, options },
    kills,
    reference.fingerprint,
  );
  await rm(run, { recursive: true, force: true });
  return chain;
}

function emptyRow(): Row {
  return { runs: 0, named: 0, random: 0, lost: 0, different: 0 };
}

function count(row: Row | undefined, { outcome, struck }: Chain): void {
  if (row === undefined) return;
  row.runs++;
  for (const kill of struck) row["point" in kill ? "named" : "random"]++;
  if (outcome !== "same") row[outcome]++;
}

function describe(kills: readonly Kill[], chain: Chain): string {
  return `${chain.outcome} after ${JSON.stringify(kills)}: ${chain.says}`;
}

function print(rows: ReadonlyMap<string, Row>, points: number): void {
  const total = emptyRow();
  for (const row of rows.values()) {
    for (const key of ["runs", "named", "random", "lost", "different"] as const) {
      total[key] += row[key];
    }
  }
  console.log(`${points} named points\n`);
  console.log("| run | runs | kills at named points | at random moments | lost | different |");
  console.log("|---|---|---|---|---|---|");
  for (const [name, row] of [...rows, ["all", total] as const]) {
    const { runs, named, random: moments, lost, different } = row;
    console.log(`| ${[name, runs, named, moments, lost, different].join(" | ")} |`);
  }
}
