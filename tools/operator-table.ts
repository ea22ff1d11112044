import { passive } from "../src/autodiff/rule.ts";
import { rules } from "../src/autodiff/rules/index.ts";
import { restrictions } from "../src/autodiff/rules/restrictions.ts";

/** Where the table stands, from the project's root. */
export const OPERATORS_PAGE = "docs/operators.md";

/** The page of operators as Markdown, written from the table of backward rules. */
export function operatorsPage(): string {
  const operators = [...rules].sort(([a], [b]) => (a < b ? -1 : 1));
  const differentiable = operators.filter(([, rule]) => rule !== passive);
  const rows = operators.map(([op, rule]) => {
    const status = rule === passive ? "passes no gradient" : "differentiable";
    return `| ${op} | ${status} | ${restrictions.get(op) ?? ""} |`;
  });
  return [
    "# Operators Thaw trains through",
    "",
    "Written by `npm run docs:operators` from the backward rules in `src/autodiff/rules/`.",
    "",
    `${differentiable.length} operators are differentiable. Another ${operators.length - differentiable.length} pass no gradient: shapes, indices, comparisons, constants and steps, whose derivative is zero wherever it exists. Any other operator still runs in the frozen part of a network; where a trained layer lies before it, Thaw refuses with an error that names the operator, the node and the nearest place after which training works.`,
    "",
    "Older operator sets are brought to the forms of operator set 21 first, so the restrictions are in its terms.",
    "",
    "| operator | gradient | restrictions |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
