import { expect, test } from "vitest";
import { takeRows, zeros } from "./linear-algebra.ts";
import { leaveOneOut } from "./ridge.ts";

/** Features in which class c stands out in column c, plus columns of noise. */
function example(pictures: number, columns: number, classes: number) {
  let state = 7;
  const noise = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648 - 0.5;
  };
  const labels = Array.from({ length: pictures }, (_, i) => i % classes);
  const features = zeros(pictures, columns);
  labels.forEach((label, i) => {
    for (let j = 0; j < columns; j++)
      features.data[i * columns + j] = noise() + (j === label ? 1.2 : 0);
  });
  return { features, labels };
}

test("names left-out pictures right where the classes are apart", () => {
  const { features, labels } = example(90, 6, 3);
  const { hits, errors } = leaveOneOut(features, labels);
  expect(hits.reduce((total, hit) => total + hit, 0)).toBeGreaterThan(80);
  expect(errors.reduce((total, error) => total + error, 0) / 90).toBeLessThan(0.5);
});

test("is no better than guessing on labels that mean nothing", () => {
  const { features, labels } = example(120, 200, 2);
  const shuffled = labels.map((_, i) => (i * 7919 + Math.floor(i / 3)) % 2);
  const { errors } = leaveOneOut(features, shuffled);
  expect(errors.reduce((total, error) => total + error, 0) / 120).toBeGreaterThan(0.85);
});

test("many features and few agree: padding with constants changes nothing", () => {
  const { features, labels } = example(40, 12, 4);
  const wide = zeros(40, 60);
  for (let i = 0; i < 40; i++) wide.data.set(takeRows(features, [i]).data, i * 60);
  const narrow = leaveOneOut(features, labels);
  const padded = leaveOneOut(wide, labels);
  expect([...padded.hits]).toEqual([...narrow.hits]);
  padded.errors.forEach((error, i) => {
    expect(error).toBeCloseTo(narrow.errors[i] ?? 0, 6);
  });
});
