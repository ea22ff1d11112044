import { expect, it } from "vitest";
import { heldOutRemark } from "./held-out-remark.ts";

/** A network that is right on the pictures from `from` up to `to` of `count`, with this loss. */
function rightOn(from: number, to: number, count: number, loss: number) {
  const probabilities = Float32Array.from({ length: 2 * count }, (_, at) => {
    const row = Math.floor(at / 2);
    return (at % 2 === 0) === (row >= from && row < to) ? 0.9 : 0.1;
  });
  return { probabilities, metrics: { loss } };
}

const labels = (count: number) => new Array<number>(count).fill(0);

it("tells that the probe did better where so few pictures cannot tell", () => {
  const says = heldOutRemark(rightOn(0, 11, 15, 0.5), rightOn(2, 15, 15, 0.4), labels(15), 2);
  expect(says).toBe(
    "On 15 held-out pictures the linear probe was right on 2 more; so few cannot tell the two apart.",
  );
  expect(heldOutRemark(rightOn(0, 0, 1, 2), rightOn(0, 1, 1, 0.1), labels(1), 2)).toBe(
    "On 1 held-out picture the linear probe was right on 1 more; so few cannot tell the two apart.",
  );
});

it("tells that the probe did better beyond chance", () => {
  const says = heldOutRemark(rightOn(0, 360, 500, 0.9), rightOn(0, 400, 500, 0.6), labels(500), 2);
  expect(says).toMatch(/^On 500 held-out pictures .* right on 40 more; .* more than chance/);
});

it("says nothing where the model is no worse by accuracy or by loss", () => {
  const probe = rightOn(0, 13, 15, 0.4);
  expect(heldOutRemark(rightOn(0, 13, 15, 0.5), probe, labels(15), 2)).toBeUndefined();
  expect(heldOutRemark(rightOn(0, 12, 15, 0.4), probe, labels(15), 2)).toBeUndefined();
});
