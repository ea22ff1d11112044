import { expect, test } from "vitest";
import { readAhead } from "./read-ahead.ts";

test("starts the next item before it is asked for, each once and in order", async () => {
  const started: number[] = [];
  const read = readAhead(async (index) => {
    started.push(index);
    return index * 10;
  }, 4);
  expect(await read(0)).toBe(0);
  expect(started).toEqual([0, 1]);
  expect([await read(1), await read(2), await read(3)]).toEqual([10, 20, 30]);
  expect(started).toEqual([0, 1, 2, 3]);
});

test("a failure reaches whoever asks for the item, and only them", async () => {
  const read = readAhead(async (index) => {
    if (index === 1) throw new Error("unreadable");
    return index;
  }, 3);
  expect(await read(0)).toBe(0);
  await expect(read(1)).rejects.toThrow("unreadable");
  expect(await read(2)).toBe(2);
});
