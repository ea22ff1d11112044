import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runFiles } from "../../src/job/run-folder.ts";
import { readJournal } from "../../src/train/journal.ts";
import { fingerprintOf, type Kill, runChain } from "./chain.ts";
import { type JobRequest, runJob } from "./job-process.ts";
import { type TinyTask, ways, writeTinyTask } from "./tiny-task.fixture.ts";

// Every step is a process of its own, a dozen in some tests.
vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let task: TinyTask;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-crash-"));
  task = await writeTinyTask(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function job(way: string, name: string): Omit<JobRequest, "action"> {
  return { run: join(folder, name), pictures: task.pictures, options: ways(task)[way] ?? {} };
}

async function undisturbed(way: string): Promise<string> {
  const asked = job(way, `undisturbed ${way}`);
  const { end, errors, says } = await runJob({ ...asked, action: "train" });
  expect(end, errors).toMatchObject({ kind: "done" });
  expect(says).toContain(`This run goes into ${asked.run}`);
  return fingerprintOf(asked.run);
}

// `npm run test:crash` kills hundreds of runs; these are the moments that matter most.
describe("a killed run resumes to the same bytes", () => {
  it.each<[string, readonly Kill[]]>([
    [
      "full",
      [
        { point: "writing run.json", nth: 1 },
        { point: "renaming checkpoint/fit.current", nth: 3 },
        { point: "renamed checkpoint/fit.previous", nth: 2 },
        { point: "writing model.onnx", nth: 1 },
        { point: "renamed result.json", nth: 1 },
      ],
    ],
    [
      "search",
      [
        { point: "renamed checkpoint/features-0.done", nth: 1 },
        { point: "renamed checkpoint/probe.done", nth: 1 },
        { point: "renamed checkpoint/search.current", nth: 1 },
      ],
    ],
  ])("%s", async (way, kills) => {
    const chain = await runChain(job(way, `killed ${way}`), kills, await undisturbed(way));
    expect(chain).toMatchObject({ outcome: "same" });
    expect(chain.struck.length).toBeGreaterThanOrEqual(kills.length - 1);
    expect(await readdir(join(folder, `killed ${way}`))).not.toContain(runFiles.checkpoint);
  });

  it("with the activations that a file keeps", async () => {
    const asked = job("file", "killed file");
    const kills = [
      { point: "renaming checkpoint/activations.current", nth: 1 },
      { point: "renamed checkpoint/activations.current", nth: 1 },
      { point: "renaming checkpoint/fit.done", nth: 1 },
    ];
    const chain = await runChain(asked, kills, await undisturbed("file"));
    expect(chain).toMatchObject({ outcome: "same", struck: kills });
    expect(await readdir(asked.run)).not.toContain(runFiles.scratch);
  });

  it("a training done again at a lower rate, which the journal tells once", async () => {
    const asked = job("retry", "killed retry");
    const kills = [
      { point: "renamed checkpoint/fit.done", nth: 1 },
      { point: "renamed checkpoint/retry.done", nth: 1 },
      { point: "renaming checkpoint/fit-slower.current", nth: 1 },
      { point: "renaming checkpoint/fit-slower.done", nth: 1 },
    ];
    const chain = await runChain(asked, kills, await undisturbed("retry"));
    expect(chain).toMatchObject({ outcome: "same", struck: kills });
    const journal = readJournal(await readFile(join(asked.run, runFiles.journal), "utf8"));
    expect(journal.filter(({ kind }) => kind === "retry")).toHaveLength(1);
  });

  it("from the checkpoint before when the newest is damaged, and says so", async () => {
    const asked = job("rear", "damaged");
    const fault = { point: "renamed checkpoint/fit.current", nth: 3 };
    expect((await runJob({ ...asked, action: "train", fault })).killed).toBe(true);
    const newest = join(asked.run, "checkpoint/fit.current");
    const bytes = await readFile(newest);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(newest, bytes);
    const { end, says } = await runJob({ ...asked, action: "resume" });
    expect(end).toMatchObject({ kind: "done" });
    expect(says.join("\n")).toMatch(/checkpoint was damaged.*the one before.*fit\.current/);
    expect(await fingerprintOf(asked.run)).toBe(await undisturbed("rear"));
  });
});

describe("a full disk", () => {
  it("ends in a clear message at any write, and the run goes on once there is room", async () => {
    const asked = job("full", "full disk");
    for (const [index, file] of ["splits.json", "checkpoint/fit.current", "model.onnx"].entries()) {
      const fault = { point: `writing ${file}`, nth: 1, code: "ENOSPC" };
      const action = index === 0 ? "train" : "resume";
      const { end, errors } = await runJob({ ...asked, action, fault });
      expect(end, errors).toMatchObject({ kind: "failed", code: "node/disk-full" });
      expect(end).toMatchObject({ next: expect.stringContaining("thaw resume") });
    }
    const { end } = await runJob({ ...asked, action: "resume" });
    expect(end).toMatchObject({ kind: "done" });
    const left = await readdir(asked.run);
    expect(left.filter((name) => name.endsWith(".tmp") || name === "lock")).toEqual([]);
  });

  it.each(["lock", "run.json"])("while %s is written leaves no folder behind", async (file) => {
    const asked = job("full", `never begun at ${file}`);
    const fault = { point: `writing ${file}`, nth: 1, code: "ENOSPC" };
    const { end, errors } = await runJob({ ...asked, action: "train", fault });
    expect(end, errors).toMatchObject({ kind: "failed", code: "node/disk-full" });
    expect(existsSync(asked.run)).toBe(false);
  });

  it("is told apart on a real file system", async ({ skip }) => {
    const asked = job("full", "small disk");
    const mount = 'mkdir -p "$0" && mount -t tmpfs -o size=96k tmpfs "$0" && exec "$@"';
    const wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, asked.run];
    const { end, errors } = await runJob({ ...asked, action: "train" }, { wrapper }).catch(
      (cause: Error) => ({ end: undefined, errors: `unshare: ${cause.message}` }),
    );
    skip(end === undefined && /unshare|mount/.test(errors), "mounting is not permitted here");
    expect(end, errors).toMatchObject({ kind: "failed", code: "node/disk-full" });
  });
});

describe("a folder that cannot be written", () => {
  it("is refused before any work", async () => {
    const { end } = await runJob({ ...job("head", "x"), run: "/sys/thaw", action: "train" });
    expect(end).toMatchObject({ kind: "failed", code: "node/unwritable" });
  });

  it("that turned read-only mid-run keeps what is there", async () => {
    const asked = job("full", "read-only");
    const fault = { point: "opening checkpoint/fit.current", nth: 2, code: "EROFS" };
    const { end } = await runJob({ ...asked, action: "train", fault });
    expect(end).toMatchObject({ kind: "failed", code: "node/unwritable" });
    expect(await readdir(join(asked.run, "checkpoint"))).toContain("fit.previous");
    expect((await runJob({ ...asked, action: "resume" })).end).toMatchObject({ kind: "done" });
    expect(await fingerprintOf(asked.run)).toBe(
      await fingerprintOf(join(folder, "undisturbed full")),
    );
  });
});

describe("pictures that change", () => {
  it("mid-run end it with their name; then only --accept-changes goes on", async () => {
    const own = await writeTinyTask(join(folder, "changing"));
    const asked = { ...job("head", "changed"), pictures: own.pictures };
    const gone = [0, 1, 2, 3, 4].map((number) => join(own.pictures, "class 1", `${number}.png`));
    let removed: Promise<unknown> | undefined;
    const first = await runJob(
      { ...asked, action: "train" },
      {
        onEvent(says) {
          if (says === "Training the linear probe")
            removed = Promise.all(gone.map((path) => rm(path)));
        },
      },
    );
    await removed;
    expect(first.end, first.errors).toMatchObject({
      kind: "failed",
      code: expect.stringMatching(/^data\/(missing|unreadable-picture)$/),
    });

    await writeFile(
      join(own.pictures, "class 0", "0.png"),
      await readFile(gone[0] ?? "").catch(() => "?"),
    );
    const refused = await runJob({ ...asked, action: "resume" });
    expect(refused.end).toMatchObject({ kind: "failed", code: "job/dataset-changed" });
    expect(refused.end).toMatchObject({
      details: {
        differences: expect.arrayContaining([
          "class 0/0.png is gone",
          "class 1/0.png is gone",
          "class 1/4.png is gone",
        ]),
      },
    });

    const accepted = await runJob({ ...asked, action: "resume", acceptChanges: true });
    expect(accepted.end, accepted.errors).toMatchObject({ kind: "done" });
    const anew = { ...asked, run: join(folder, "anew") };
    await runJob({ ...anew, action: "train" });
    expect(await fingerprintOf(asked.run)).toBe(await fingerprintOf(anew.run));
  });

  it("and a changed network are told too", async () => {
    const own = await writeTinyTask(join(folder, "other"));
    const asked = { ...job("rear", "other network"), options: ways(own).rear ?? {} };
    const fault = { point: "renamed checkpoint/fit.current", nth: 1 };
    expect((await runJob({ ...asked, action: "train", fault })).killed).toBe(true);
    await writeFile(own.normed, await readFile(own.plain));
    const { end } = await runJob({ ...asked, action: "resume" });
    expect(end).toMatchObject({ kind: "failed", code: "job/model-changed" });
  });
});

describe("two processes on one run", () => {
  it("the second is refused politely, and finds the first one's work unharmed", async () => {
    const asked = job("full", "shared");
    let second: ReturnType<typeof runJob> | undefined;
    const first = await runJob(
      { ...asked, action: "train" },
      { onEvent: () => (second ??= runJob({ ...asked, action: "resume" })) },
    );
    expect(first.end).toMatchObject({ kind: "done" });
    // A slow start may find the first one done already; then it only reads.
    const { end } = (await second) ?? {};
    if (end?.kind === "failed") expect(end.code).toBe("node/locked");
    expect(await fingerprintOf(asked.run)).toBe(
      await fingerprintOf(join(folder, "undisturbed full")),
    );
  });

  it("of two that begin at once one gets the folder", async () => {
    const asked = { ...job("head", "raced"), action: "train" } as const;
    const ends = await Promise.all([runJob(asked), runJob(asked)]);
    const kinds = ends.map(({ end }) => (end?.kind === "failed" ? end.code : end?.kind)).sort();
    expect(kinds).toContain("done");
    expect(["done", "job/run-exists", "node/locked"]).toContain(kinds[1]);
    expect(kinds.filter((kind) => kind === "done").length).toBe(1);
  });
});

it("a run refused before there is a plan leaves no folder behind, and names none", async () => {
  const asked = { ...job("head", "refused"), pictures: join(folder, "nowhere") };
  const { end, says } = await runJob({ ...asked, action: "train" });
  expect(end).toMatchObject({
    kind: "failed",
    code: expect.stringMatching(/^data\/(missing|unreadable-picture)$/),
  });
  expect(await readdir(folder)).not.toContain("refused");
  expect(says.join("\n")).not.toContain(asked.run);
});
