import { describe, expect, it } from "vitest";
import { covariance, type ReferenceCard, readCard, writeCard } from "./card.ts";
import { writeSafetensors } from "./safetensors.ts";

const card: ReferenceCard = {
  header: {
    format: "thaw-card/1",
    model: "test",
    modelSha256: "ab".repeat(32),
    sample: "two pictures",
    pictures: 2,
    command: "thaw models card",
    selfDistance: { frechet: 1.5 },
  },
  mean: Float32Array.of(1, 2, 3),
  std: Float32Array.of(1e-6, 1, 1000),
  correlation: Float32Array.of(1, 0.5, -0.25, 0.5, 1, 0, -0.25, 0, 1),
  embeddings: Float32Array.of(1, 2, 3, 4, 5, 6),
};

describe("reference card", () => {
  it("comes back as it was written", () => {
    expect(readCard(writeCard(card))).toEqual(card);
    const { correlation: _, ...diagonal } = card;
    expect(readCard(writeCard(diagonal))).toEqual(diagonal);
  });

  it("gives the covariance of features of any scale", () => {
    const matrix = covariance(card);
    expect(matrix[0]).toBeCloseTo(1e-12, 18);
    expect(matrix[1]).toBeCloseTo(5e-7, 14);
    expect(matrix[8]).toBeCloseTo(1e6, 0);
    expect(covariance({ ...card, correlation: new Float32Array(9) })[1]).toBe(0);
  });

  it("stays under 2 MB at 1024 features and 200 embeddings, and refuses more", () => {
    const large = (width: number, rows: number): ReferenceCard => ({
      ...card,
      mean: new Float32Array(width),
      std: new Float32Array(width),
      correlation: new Float32Array(width * width),
      embeddings: new Float32Array(width * rows),
    });
    expect(writeCard(large(1024, 200)).length).toBeLessThan(2_000_000);
    expect(readCard(writeCard(large(2048, 200))).correlation).toBeUndefined();
    expect(() => writeCard(large(1024, 2000))).toThrow(/over the limit/);
  });

  it.each([
    ["no header", writeSafetensors(new Map())],
    [
      "a header of another format",
      writeCard({ ...card, header: { ...card.header, pictures: -1 } }),
    ],
    ["parts that do not fit", writeCard({ ...card, std: Float32Array.of(1, 2) })],
    ["values that are no numbers", writeCard({ ...card, mean: Float32Array.of(1, Number.NaN, 2) })],
    ["another file", new TextEncoder().encode("<html>")],
  ])("refuses %s", (_, bytes) => {
    expect(() => readCard(bytes)).toThrow(/not a sound/);
  });
});
