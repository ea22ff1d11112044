import { expect, test } from "vitest";
import { type BatchNormLayer, ChannelMoments, measureDrift } from "./batchnorm-drift.ts";
import { type Matrix, zeros } from "./linear-algebra.ts";
import { similarityVerdict } from "./measurement.ts";
import { describeReference, measureDistance } from "./reference-card.ts";
import { judgeSimilarity } from "./similarity.ts";
import { measureSize } from "./size.ts";

let state = 3;
const noise = () => {
  state = (state * 1103515245 + 12345) % 2147483648;
  return state / 2147483648 - 0.5;
};

function cloud(rows: number, shift: number): Matrix {
  const matrix = zeros(rows, 20);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = noise() + shift;
  return matrix;
}

function drift(shift: number) {
  const layer: BatchNormLayer = {
    node: "norm",
    input: "x",
    mean: new Float32Array(4),
    variance: new Float32Array(4).fill(1),
    epsilon: 1e-5,
  };
  const observed = new ChannelMoments(4);
  for (let i = 0; i < 64; i++) {
    const mean = Float32Array.from({ length: 4 }, () => shift + 0.2 * noise());
    observed.add(
      mean,
      mean.map((value) => value * value + 1),
    );
  }
  return measureDrift([layer], [observed]);
}

test("the reference is at distance 0 from itself and its other half, whatever the sample size", () => {
  const reference = describeReference(cloud(400, 0));
  for (const rows of [20, 100, 400]) {
    expect(measureDistance(reference, cloud(rows, 0)).value).toBeLessThan(0.02);
  }
  const far = measureDistance(reference, cloud(100, 1)).value;
  expect(far).toBeGreaterThan(10);
  expect(far).toBeLessThan(14);
});

test("a card of another network is refused", () => {
  const reference = describeReference(cloud(10, 0));
  expect(() => measureDistance(reference, zeros(5, 3))).toThrow(/card/);
});

test("drift grows with the shift and stays below 1", () => {
  const values = [0, 0.5, 2, 50].map((shift) => drift(shift).value);
  expect(values[0]).toBeLessThan(0.01);
  expect([...values].sort((a, b) => a - b)).toEqual(values);
  expect(values.at(-1)).toBeLessThanOrEqual(1);
});

test("close is similar, far is dissimilar, and the verdict holds to its schema", () => {
  const near = judgeSimilarity({ card: { value: 0.1, standardError: 0.01 }, drift: drift(0) });
  const far = judgeSimilarity({ card: { value: 1.2, standardError: 0.01 }, drift: drift(2) });
  expect(near.verdict).toBe("similar");
  expect(far.verdict).toBe("dissimilar");
  expect(near.score).toBeGreaterThan(far.score);
  expect(() => similarityVerdict.parse(near)).not.toThrow();
});

test("less evidence is said and lowers the confidence", () => {
  const both = judgeSimilarity({
    card: { value: 0.3, standardError: 0.01 },
    drift: { value: 0.019, standardError: 0.001, layers: [] },
  });
  const one = judgeSimilarity({ drift: { value: 0.019, standardError: 0.001, layers: [] } });
  expect(one.confidence).toBeLessThan(both.confidence);
  expect(one.missing).toHaveLength(2);
  const none = judgeSimilarity({});
  expect(none).toMatchObject({ verdict: "ambiguous", score: 0.5, confidence: 0.5 });
});

test("in between is ambiguous", () => {
  expect(judgeSimilarity({ card: { value: 0.45, standardError: 0.02 } }).verdict).toBe("ambiguous");
});

test("a thousand pictures are small, one more is large", () => {
  expect(measureSize(1000).verdict).toBe("small");
  expect(measureSize(1001).verdict).toBe("large");
});
