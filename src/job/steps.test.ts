import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { json, openSteps } from "./steps.ts";

const codec = json(z.object({ value: z.number() }));
let folder: string;
let damaged: string[];
const open = () => openSteps(folder, (file) => damaged.push(file));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-steps-"));
  damaged = [];
});
afterEach(() => rm(folder, { recursive: true }));

it("computes a step once, also across processes", async () => {
  let computed = 0;
  const compute = async () => ({ value: ++computed });
  expect(await (await open()).once("probe", codec, compute)).toEqual({ value: 1 });
  expect(await (await open()).once("probe", codec, compute)).toEqual({ value: 1 });
  expect(computed).toBe(1);
});

it("computes a step again whose result is damaged, says so and keeps the damaged file", async () => {
  await (await open()).once("probe", codec, async () => ({ value: 1 }));
  await truncate(join(folder, "probe.done"), 90);
  expect(await (await open()).once("probe", codec, async () => ({ value: 2 }))).toEqual({
    value: 2,
  });
  expect(damaged).toEqual([join(folder, "probe.done")]);
  expect(await readdir(folder)).toContain("probe.done.damaged");
});

it("goes back to the previous state when the newest is damaged", async () => {
  const steps = await open();
  await steps.checkpoint("fit", codec, { value: 1 });
  await steps.checkpoint("fit", codec, { value: 2 });
  expect(await steps.restore("fit", codec)).toEqual({ value: 2 });
  const bytes = await readFile(join(folder, "fit.current"));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2);
  await writeFile(join(folder, "fit.current"), bytes);
  expect(await (await open()).restore("fit", codec)).toEqual({ value: 1 });
  expect(damaged.length).toBe(1);
});

it("forgets the states in progress of a finished step and half-written files", async () => {
  const steps = await open();
  await steps.checkpoint("fit", codec, { value: 1 });
  await writeFile(join(folder, "fit.current.99.tmp"), "half");
  await (await open()).once("fit", codec, async () => ({ value: 3 }));
  expect(await readdir(folder)).toEqual(["fit.done"]);
});
