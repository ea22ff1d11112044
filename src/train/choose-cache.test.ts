import { expect, test } from "vitest";
import { chooseCache } from "./choose-cache.ts";

const sizes = { scalars: 1000, trainPictures: 80, heldOutPictures: 20, views: 2, epochs: 10 };
const exact = (80 * 2 + 20) * 4000;

test("prefers exact in memory, then halved in memory, then a file, then no cache", () => {
  const choose = (memoryBytes: number, fileBytes = 0) =>
    chooseCache(sizes, { memoryBytes, fileBytes });
  expect(choose(exact)).toMatchObject({ where: "memory", type: "float32", bytes: exact, views: 2 });
  expect(choose(exact - 1)).toMatchObject({ where: "memory", type: "float16", bytes: exact / 2 });
  expect(choose(exact / 2 - 1, exact)).toMatchObject({ where: "file", type: "float16" });
  expect(choose(exact / 2 - 1, exact / 2 - 1)).toMatchObject({ where: "recompute", views: 0 });
});

test("caches no more views than there are epochs, and none where fresh ones are wanted", () => {
  const budget = { memoryBytes: 1e9, fileBytes: 0 };
  expect(chooseCache({ ...sizes, views: 16, epochs: 3 }, budget).views).toBe(3);
  expect(chooseCache({ ...sizes, views: 0 }, budget).where).toBe("recompute");
});
