import { expect, test } from "vitest";
import { type Matrix, zeros } from "./linear-algebra.ts";
import { depthCurve } from "./measurement.ts";
import { measureDepth } from "./transferability.ts";

const labels = Array.from({ length: 120 }, (_, i) => i % 3);

/** One column a class, `signal` high where it is this picture's, on noise. */
function features(signal: number): Matrix {
  let state = 11;
  const matrix = zeros(labels.length, 8);
  for (let i = 0; i < matrix.data.length; i++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    matrix.data[i] = state / 2147483648 + (labels[Math.floor(i / 8)] === i % 8 ? signal : 0);
  }
  return matrix;
}

function curve(signals: readonly number[]) {
  return measureDepth(
    signals.map((signal, i) => ({
      cut: {
        value: `cut${i}`,
        name: `block ${i}`,
        depth: i,
        dims: [1, 8],
        parametersBefore: 0,
        parametersAfter: 0,
        flopsBefore: i,
        flopsAfter: signals.length - 1 - i,
      },
      features: features(signal),
    })),
    labels,
  );
}

test("the peak is last where the last features are best, inside where they are worse", () => {
  expect(curve([0, 0.2, 0.4, 0.8, 1.5])).toMatchObject({ best: 4, peak: 4 });
  expect(curve([0, 0.4, 1.5, 0.6, 0.2])).toMatchObject({ best: 2, peak: 2 });
});

test("what the deeper half adds is positive only where it adds something", () => {
  expect(curve([0, 0, 0.1, 0.8, 1.5])?.gain.value).toBeGreaterThan(0.4);
  expect(curve([0, 0.8, 1.5, 0.8, 0.1])?.gain.value).toBeLessThan(0);
  expect(() => depthCurve.parse(curve([0, 1, 1]))).not.toThrow();
});

test("one class, or one picture a class, gives no curve", () => {
  const cut = {
    value: "cut",
    name: "block",
    depth: 1,
    dims: [1, 8],
    parametersBefore: 0,
    parametersAfter: 0,
    flopsBefore: 1,
    flopsAfter: 0,
  };
  const measured = [{ cut, features: features(1) }];
  expect(
    measureDepth(
      measured,
      labels.map(() => 0),
    ),
  ).toBeUndefined();
  expect(measureDepth(measured, [...labels.keys()])).toBeUndefined();
});
