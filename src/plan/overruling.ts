import { z } from "zod";
import { advantage, choose, type SearchState } from "./balance-search.ts";
import { clearly } from "./compare.ts";
import { type Plan, type Strategy, strategy } from "./plan.ts";

/** That something else than the four-quadrant rule's choice was done, and why. */
export const overruling = z.object({ from: strategy, to: strategy, says: z.string() });
export type Overruling = z.infer<typeof overruling>;

/** What a run came to. */
export interface Course {
  /** What is handed back, and the candidate it was thawed from. */
  readonly strategy: Strategy;
  readonly thawIndex: number;
  /** The candidate that the rule would have thawed from. */
  readonly ruleIndex: number;
  /** The check as it ended; a planned one is left out only where the time is up. */
  readonly search: SearchState | undefined;
}

const names: Readonly<Record<Strategy, string>> = {
  head: "training the classifier only",
  rear: "training the rear part",
  partial: "training some layers",
  full: "training the whole network",
};

/** Whether the four-quadrant rule was overruled, and the sentence that says by what. */
export function overruled(
  { check, rule }: Pick<Plan, "check" | "rule">,
  course: Course,
): Overruling | null {
  const { strategy: from } = rule;
  const { strategy: to, thawIndex, ruleIndex } = course;
  if (check === "none" || from === to || thawIndex === ruleIndex) return null;
  return { from, to, says: `The rule says ${names[from]}; ${why(course)}.` };
}

function why({ strategy: done, thawIndex, ruleIndex, search }: Course): string {
  if (search === undefined || new Set(search.results.map(({ arm }) => arm)).size < 2) {
    return `the time was up before anything could be compared, so what was done is ${names[done]}`;
  }
  const choice = choose(search);
  if (choice.thawIndex !== thawIndex) {
    return "what was trained ended clearly worse than the linear probe on the validation pictures, so the linear probe is kept";
  }
  const compared = advantage(search, choice, ruleIndex);
  if (compared === undefined || !Number.isFinite(compared.standardError)) {
    return `of what was tried on your pictures, ${names[done]} was the best bet, so that was done`;
  }
  const { difference, standardError } = compared;
  const amount = Math.abs(difference).toFixed(2);
  const margin = `(standard error ${standardError.toFixed(2)})`;
  const apart = `${difference < 0 ? "lower" : "higher"} by ${amount}`;
  if (difference > clearly * standardError) {
    return `on pictures held back, the loss of ${names[done]} was ${apart} ${margin}, but a short trial on fewer pictures holds back every choice except the classifier, and over many data sets it is the better bet, so that was done`;
  }
  if (difference < -standardError && amount !== "0.00") {
    return `measured on your pictures, ${names[done]} did better: on pictures held back its loss was ${apart} ${margin}, so that was done`;
  }
  return `on pictures held back, ${names[done]} did as well within what so few can tell: its loss was ${amount === "0.00" ? "the same" : apart} ${margin}. Over many data sets it is the better bet, so that was done`;
}
