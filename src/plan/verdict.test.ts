import { expect, test } from "vitest";
import { judge, tell, tellInterpolation } from "./verdict.ts";

const right = { hits: [1, 1, 1, 1, 1, 0], losses: [0.1, 0.1, 0.1, 0.1, 0.1, 1] };
const wrong = { hits: [0, 0, 0, 0, 1, 0], losses: [1, 1, 1, 1, 0.1, 1] };
const unsure = { ...right, losses: [0.6, 0.6, 0.6, 0.6, 0.5, 2] };

test("the validation pictures speak for fine-tuning unless it is clearly worse", () => {
  expect(judge(wrong, right).winner).toBe("fine-tuned");
  expect(judge(right, wrong).winner).toBe("linear-probe");
  expect(judge(right, right).winner).toBe("fine-tuned");
  expect(judge(right, unsure).winner).toBe("linear-probe");
});

test("the verdict is told with what was done about it", () => {
  expect(tell(judge(wrong, right), false)).toBe(
    "Fine-tuning gained 66.7 points of validation accuracy over the linear probe (standard error 21.1).",
  );
  expect(tell(judge(right, right), false)).toMatch(
    /about equally often right .*; the fine-tuned network is kept, as planned\.$/,
  );
  for (const worse of [judge(right, wrong), judge(right, unsure)]) {
    expect(tell(worse, false)).toMatch(/, so the linear probe is kept\.$/);
    expect(tell(worse, true)).toMatch(
      /; the fine-tuned network is handed back all the same, since the plan was not to be checked\.$/,
    );
  }
});

test("one validation picture tells nothing, in words and not as a number", () => {
  const one = { hits: [1], losses: [0.1] };
  const says = tell(judge(one, { hits: [0], losses: [2] }), false);
  expect(says).toBe(
    "A single validation picture cannot tell fine-tuning and the linear probe apart; the fine-tuned network is kept, as planned.",
  );
});

test("says where between start and end the weights lie, and nothing where they are the last", () => {
  expect(tellInterpolation(1)).toBeUndefined();
  expect(tellInterpolation(0.5)).toContain("half of the way");
  expect(tellInterpolation(0.25)).toContain("25 % of the way");
});
