import { expect, it } from "vitest";
import { type Card, readCard, writeCard } from "./card.ts";

const example: Card = {
  format: "thaw-card/1",
  model: "Tiny",
  modelSha256: "ab".repeat(32),
  sample: "noise",
  command: "thaw models card noise",
  selfDistance: 0.01,
  statistics: { pictures: 10, mean: [0.5, -1.25], variance: [1, 2] },
};

it("reads what it writes", () => {
  expect(readCard(writeCard(example), "card")).toEqual(example);
});

it.each([
  ["", "no JSON"],
  ["{}", "no card"],
  [JSON.stringify({ ...example, statistics: { ...example.statistics, mean: ["x"] } }), "text"],
  [JSON.stringify({ ...example, modelSha256: "../../etc" }), "a digest that is none"],
])("refuses %#: %s", (text) => {
  expect(() => readCard(text, "card")).toThrow(/not a sound reference card/);
});
