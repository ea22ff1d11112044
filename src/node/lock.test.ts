import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockFolder } from "./lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("refuses a second holder and names the first", async () => {
  const unlock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject({
    fault: { code: "node/locked", details: { pid: process.pid } },
  });
  await unlock();
  await (await lockFolder(folder))();
});

it("takes over the lock of a process that is gone", async () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  await writeFile(
    join(folder, "lock"),
    JSON.stringify({ pid, host: hostname(), started: "1", token: "x" }),
  );
  const unlock = await lockFolder(folder);
  expect(JSON.parse(await readFile(join(folder, "lock"), "utf8"))).toMatchObject({
    pid: process.pid,
  });
  await unlock();
});

it("takes over a lock whose process number was given to another process", async () => {
  await writeFile(
    join(folder, "lock"),
    JSON.stringify({ pid: process.pid, host: hostname(), started: "0", token: "x" }),
  );
  await (await lockFolder(folder))();
});

it("takes over an empty lock that a killed writer left", async () => {
  await writeFile(join(folder, "lock"), "");
  await (await lockFolder(folder))();
});

it("lets exactly one of many win a stale lock", async () => {
  await writeFile(join(folder, "lock"), "");
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
  expect(attempts.filter((attempt) => attempt.status === "fulfilled").length).toBe(1);
});

it("gives back only its own lock, however often it is asked", async () => {
  const unlock = await lockFolder(folder);
  await unlock();
  const other = await lockFolder(folder);
  await unlock();
  await expect(lockFolder(folder)).rejects.toMatchObject({ fault: { code: "node/locked" } });
  await other();
});
