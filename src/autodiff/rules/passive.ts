import type { Rule } from "../rule.ts";

/** Operators no gradient flows through: shapes, indices, comparisons, constants. */
export const passive: Rule = () => [];
