import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomFor } from "../src/data/random.ts";
import { temporaryFolder } from "../src/node/pictures.fixture.ts";
import { runRecord } from "../src/report/record.ts";
import { nodeSnippet } from "../src/report/snippets.ts";
import { version } from "../src/version.ts";

const cli = resolve(import.meta.dirname, "../dist/cli/main.js");
const model = resolve(import.meta.dirname, "fixtures/golden/resnet.onnx");

let root: string;
let remove: () => Promise<unknown>;
let pictures: string;
let run: string;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function thaw(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [cli, ...args], { cwd: root, maxBuffer: 1e8 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** Disks, squares or stripes of random colour and place on noise: easy to tell apart. */
async function drawing(kind: "disk" | "square" | "stripes", number: number): Promise<Buffer> {
  const random = randomFor(kind, number);
  const colour = [0, 1, 2].map(() => random.integer(120, 255));
  const [cx, cy, r] = [random.between(24, 40), random.between(24, 40), random.between(10, 18)];
  const inside = {
    disk: (x: number, y: number) => (x - cx) ** 2 + (y - cy) ** 2 < r * r,
    square: (x: number, y: number) => Math.abs(x - cx) < r && Math.abs(y - cy) < r * 0.8,
    stripes: (x: number) => Math.floor((x + cx) / 5) % 2 === 0,
  }[kind];
  const data = new Uint8Array(64 * 64 * 3);
  for (let at = 0; at < 64 * 64; at++) {
    const drawn = inside(at % 64, Math.floor(at / 64));
    for (let channel = 0; channel < 3; channel++) {
      data[3 * at + channel] = drawn ? (colour[channel] ?? 0) : random.integer(0, 90);
    }
  }
  return sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toBuffer();
}

beforeAll(async () => {
  ({ root, remove } = await temporaryFolder());
  pictures = join(root, "shapes");
  run = join(root, "run");
  for (const kind of ["disk", "square", "stripes"] as const) {
    await mkdir(join(pictures, kind), { recursive: true });
    for (let number = 0; number < 24; number++) {
      await writeFile(join(pictures, kind, `${number}.png`), await drawing(kind, number));
    }
  }
  await writeFile(join(pictures, "disk", "broken.png"), "not a picture");
});
afterAll(() => remove());

describe.skipIf(process.platform === "win32")("the installed command", () => {
  it("starts through a link to the executable file, as npm makes it", async () => {
    const command = join(root, "thaw");
    await chmod(cli, 0o755);
    await symlink(cli, command);
    const { stdout } = await promisify(execFile)(command, ["--version"]);
    expect(stdout.trim()).toBe(version);
    await rm(command);
  });
});

describe("a run from folder to prediction", () => {
  it("inspects without writing anything", async () => {
    const { code, out, err } = await thaw("inspect", pictures, "--model", model, "--json");
    expect(err).toContain("Measuring similarity");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      images: 72,
      classes: [{ name: "disk" }, { name: "square" }, { name: "stripes" }],
      audit: { unreadable: { total: 1 } },
      size: { images: 72, verdict: "small" },
      similarity: { evidence: expect.any(Array), missing: expect.any(Array) },
      plan: { strategy: expect.stringMatching(/head|rear|partial|full/), why: expect.any(Array) },
    });
    expect(await readdir(root)).toEqual(["shapes"]);
  });

  it("shows an inspection in 80 columns", async () => {
    const { out } = await thaw("inspect", pictures, "--model", model, "--depth");
    expect(out).toContain("Plan: ");
    expect(out.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
  });

  it("trains, and keeps what it promised about frozen layers and held-out pictures", async () => {
    const { code, out, err } = await thaw(
      ...["train", pictures, "--model", model, "--out", run, "--json", "--int8"],
      ...["--strategy", "partial", "--epochs", "3"],
    );
    expect(err).toContain("1 picture cannot be read");
    expect(err.replace(/\s+/g, " ")).toMatch(
      /You asked for some layers.* 72 pictures are few.* Training the linear probe/,
    );
    expect(code).toBe(0);
    const result = JSON.parse(out);
    expect(result).toMatchObject({
      run,
      model: join(run, "model.onnx"),
      chosen: { strategy: "partial" },
      metrics: { accuracy: expect.any(Number), perClass: [{ name: "disk" }, {}, {}] },
      baselines: { linearProbe: { accuracy: expect.any(Number) } },
      int8: { accuracy: expect.any(Number) },
    });
    expect(result.metrics.accuracy).toBeGreaterThan(0.5);
    expect((await readdir(run)).sort()).toEqual(
      "journal.ndjson metrics.json model.int8.onnx model.onnx plan.json record.json report.html result.json run.json splits.json".split(
        " ",
      ),
    );
  });

  it("predicts what the report's snippet computes with nothing but ONNX Runtime", async () => {
    const picture = join(pictures, "square", "3.png");
    const { code, out } = await thaw("predict", run, picture, "--json");
    expect(code).toBe(0);
    const own = new Map<string, number>(
      JSON.parse(out).classes.map((one: { label: string; probability: number }) => [
        one.label,
        one.probability,
      ]),
    );

    const elsewhere = join(root, "elsewhere");
    await mkdir(elsewhere);
    await copyFile(picture, join(elsewhere, "picture.jpg"));
    await copyFile(join(run, "model.onnx"), join(elsewhere, "model.onnx"));
    await symlink(resolve(import.meta.dirname, "../node_modules"), join(elsewhere, "node_modules"));
    const record = runRecord.parse(JSON.parse(await readFile(join(run, "record.json"), "utf8")));
    await writeFile(join(elsewhere, "use.mjs"), nodeSnippet(record.model));
    const printed = await promisify(execFile)(process.execPath, ["use.mjs"], { cwd: elsewhere });
    const direct = printed.stdout.match(/\d+(\.\d+)?(e-\d+)?(?=[,\s\]])/g)?.map(Number) ?? [];
    ["disk", "square", "stripes"].forEach((label, index) => {
      expect(own.get(label)).toBeCloseTo(direct[index] ?? Number.NaN, 5);
    });
  });

  it("predicts folders as a table and as CSV, and goes on after a broken picture", async () => {
    const shown = await thaw("predict", join(run, "model.onnx"), join(pictures, "disk"));
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("cannot be read");
    expect(shown.err).toMatch(/broken\.png: The picture cannot be read/);
    expect(shown.out.split("\n").length).toBeGreaterThan(24);
    const csv = await thaw("predict", run, join(pictures, "stripes"), "--format", "csv");
    expect(csv.code).toBe(0);
    expect(csv.out.split("\r\n")[0]).toBe("picture,label,probability,disk,square,stripes,error");
  });

  it.each(["json", "csv"])("ends quietly when nobody reads its %s any more", async (format) => {
    const child = spawn(process.execPath, [cli, "predict", run, pictures, "--format", format], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.stdout.once("data", () => child.stdout.destroy());
    const [code] = await once(child, "close");
    expect({ code, said: Buffer.concat(said).toString() }).toEqual({ code: 0, said: "" });
  });

  it("evaluates on labelled pictures", async () => {
    const { code, out } = await thaw("evaluate", run, pictures, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      metrics: { images: 72 },
      unreadable: ["disk/broken.png"],
    });
  });

  it("takes pictures of classes the model does not know for wrong use", async () => {
    const others = join(root, "others");
    await mkdir(join(others, "hexagon"), { recursive: true });
    await copyFile(join(pictures, "disk", "1.png"), join(others, "hexagon", "1.png"));
    const { code, out, err } = await thaw("evaluate", run, others);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain('does not know "hexagon"');
  });

  it("writes the report again, the same", async () => {
    const before = await readFile(join(run, "report.html"), "utf8");
    await rm(join(run, "report.html"));
    expect((await thaw("report", run)).code).toBe(0);
    expect(await readFile(join(run, "report.html"), "utf8")).toBe(before);
  });

  it("only reads a finished run when told to resume it", async () => {
    const before = await readFile(join(run, "model.onnx"));
    const { code, out } = await thaw("resume", run, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ run });
    const shown = await thaw("resume", run);
    expect(shown.out).toMatch(/^This run was finished already/);
    expect(shown.out).toMatch(/^Audit:\n {2}\u2717 1 picture cannot be read/m);
    expect(shown.out).toMatch(/^Done: everything up to .* stayed frozen, the rest was trained/m);
    expect(shown.out.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
    expect(await readFile(join(run, "model.onnx"))).toEqual(before);
  });
});

describe("wrong use and bad input", () => {
  const cases: [name: string, args: () => string[], code: number, says: RegExp][] = [
    ["an unknown option", () => ["train", pictures, "--nonsense"], 2, /unknown option/],
    ["an impossible value", () => ["train", pictures, "--epochs", "0"], 2, /from 1 to 10000/],
    [
      "a bound that only the library knew",
      () => ["train", pictures, "--val-fraction", "0.005"],
      2,
      /--val-fraction.*\s*.*from\s0\.01 to 0\.8/,
    ],
    [
      "two shares that leave nothing to train on",
      () => ["inspect", pictures, "--val-fraction", "0.6", "--test-fraction", "0.6"],
      2,
      /Validation and test together may take at most 0\.9/,
    ],
    ["no time at all", () => ["train", pictures, "--minutes", "0"], 2, /--minutes.*\s*.*above 0/],
    ["negative time", () => ["train", pictures, "--minutes", "-1"], 2, /--minutes.*\s*.*above 0/],
    ["a folder that is not there", () => ["train", "nowhere", "--model", model], 2, /nowhere/],
    [
      "a run that is there already",
      () => ["train", pictures, "--model", model, "--out", run],
      2,
      /already holds a run/,
    ],
    [
      "a folder with other things in it",
      () => ["train", pictures, "--model", model, "--out", pictures],
      2,
      /not empty/,
    ],
    [
      "a model that is none",
      () => ["inspect", pictures, "--model", join(pictures, "disk", "0.png")],
      1,
      /thaw: /,
    ],
    [
      "a model that is not there",
      () => ["inspect", pictures, "--model", "no.onnx"],
      2,
      /no such model/,
    ],
    [
      "a picture folder without classes",
      () => ["inspect", join(pictures, "disk"), "--model", model],
      2,
      /classes/,
    ],
    ["a run that is none", () => ["resume", pictures], 2, /no run/],
    [
      "a folder in place of a run",
      () => ["predict", pictures, pictures],
      2,
      /holds no run\.\s+at \S*shapes\n/,
    ],
    [
      "a file in place of a folder",
      () => ["inspect", join("shapes", "disk", "broken.png")],
      2,
      /not a folder of pictures\.\s+at .*shapes.disk.broken\.png\n/,
    ],
    [
      "strictness about findings",
      () => ["train", pictures, "--model", model, "--out", "strict", "--strict"],
      1,
      /cannot be read/,
    ],
  ];
  it.each(cases)("%s", async (_, args, code, says) => {
    const ended = await thaw(...args());
    expect(ended.err).toMatch(says);
    expect(ended.err).not.toMatch(/\n\s+at .*:\d+:\d+/);
    expect(ended.code).toBe(code);
    expect(ended.out).toBe("");
  });

  it.each([
    "--help",
    ...["inspect", "train", "resume", "predict", "evaluate", "report", "demo"],
    ...["models", "models list", "models pull", "models card"],
  ])("%s: help in 80 columns", async (command) => {
    const { code, out } = await thaw(...command.split(" "), "--help");
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: thaw/);
    expect(out.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
  });

  it("wraps complaints about options at 80 columns", async () => {
    const { err } = await thaw("train", pictures, "--test-fraction", "0.95");
    expect(err.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
  });

  it.each([
    ["data/missing", ["inspect", "nowhere"]],
    ["cli/misuse", ["train", "nowhere", "--epochs", "0"]],
    ["cli/misuse", ["train"]],
  ])("tells a failure as JSON where JSON was asked for: %s", async (fault, args) => {
    const { code, out } = await thaw(...args, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      error: { code: fault, what: expect.any(String), next: expect.any(String) },
    });
  });
});
