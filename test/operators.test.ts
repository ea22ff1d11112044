import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rules } from "../src/autodiff/rules/index.ts";
import { restrictions } from "../src/autodiff/rules/restrictions.ts";
import { OPERATORS_PAGE, operatorsPage } from "../tools/operator-table.ts";

test("the page of operators is what `npm run docs:operators` writes", () => {
  expect(readFileSync(OPERATORS_PAGE, "utf8")).toBe(operatorsPage());
});

test("every restriction belongs to an operator that has a rule", () => {
  expect([...restrictions.keys()].filter((op) => !rules.has(op))).toEqual([]);
});
