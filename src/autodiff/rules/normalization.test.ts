import fc from "fast-check";
import { describe, test } from "vitest";
import { writeBatchStatistics } from "../batch-statistics.ts";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";

const seed = fc.integer({ min: 1, max: 1e6 });
const size = fc.integer({ min: 1, max: 3 });
const spatial = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 });
const epsilon = fc.constantFrom(1e-5, 1e-3, 0.1);

describe("BatchNormalization", () => {
  test("stored statistics", async () => {
    await fc.assert(
      fc.asyncProperty(size, size, spatial, epsilon, seed, async (n, c, spatial, epsilon, seed) => {
        await expectGradients({
          op: "BatchNormalization",
          inputs: [
            randomTensor([n, c, ...spatial], seed),
            randomTensor([c], seed + 1),
            randomTensor([c], seed + 2),
            randomTensor([c], seed + 3),
            randomTensor([c], seed + 4, 0.2, 2),
          ],
          fixed: [3, 4],
          attributes: { epsilon },
          seed,
        });
      }),
      { numRuns: 30 },
    );
  });

  test("batch statistics over the rows that count", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 }),
        size,
        spatial,
        fc.constantFrom(1e-3, 0.1),
        seed,
        async (padded, c, spatial, epsilon, seed) => {
          const n = 3 + padded;
          const rows = Float32Array.from({ length: n }, (_, row) => (row < 3 ? 1 : 0));
          await expectGradients({
            op: "BatchNormalization",
            inputs: [
              randomTensor([n, c, ...spatial], seed, -2, 2),
              randomTensor([c], seed + 1),
              randomTensor([c], seed + 2),
              randomTensor([c], seed + 3),
              randomTensor([c], seed + 4, 0.2, 2),
              { type: "float32", dims: [1, n], data: rows },
            ],
            fixed: [3, 4, 5],
            attributes: { epsilon, training_mode: 1 },
            outputs: 5,
            silent: [1, 2, 3, 4],
            write: writeBatchStatistics,
            step: 0.01,
            tolerance: 1e-2,
            seed,
          });
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("LayerNormalization", () => {
  test("any axis, with and without bias", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 3 }),
        fc.nat(2),
        fc.boolean(),
        fc.boolean(),
        seed,
        async (dims, place, fromEnd, bias, seed) => {
          const first = place % dims.length;
          const normalized = dims.slice(first);
          const inputs = [randomTensor(dims, seed, -2, 2), randomTensor(normalized, seed + 1)];
          await expectGradients({
            op: "LayerNormalization",
            inputs: bias ? [...inputs, randomTensor(normalized, seed + 2)] : inputs,
            attributes: { axis: fromEnd ? first - dims.length : first, epsilon: 0.1 },
            outputs: 3,
            silent: [1, 2],
            seed,
          });
        },
      ),
      { numRuns: 30 },
    );
  });
});

test("InstanceNormalization", async () => {
  await fc.assert(
    fc.asyncProperty(size, size, spatial, seed, async (n, c, spatial, seed) => {
      fc.pre(spatial.length > 0);
      await expectGradients({
        op: "InstanceNormalization",
        inputs: [
          randomTensor([n, c, ...spatial], seed, -2, 2),
          randomTensor([c], seed + 1),
          randomTensor([c], seed + 2),
        ],
        attributes: { epsilon: 0.1 },
        seed,
      });
    }),
    { numRuns: 30 },
  );
});

test("GroupNormalization", async () => {
  await fc.assert(
    fc.asyncProperty(size, size, size, spatial, seed, async (n, groups, width, spatial, seed) => {
      const c = groups * width;
      await expectGradients({
        op: "GroupNormalization",
        inputs: [
          randomTensor([n, c, ...spatial], seed, -2, 2),
          randomTensor([c], seed + 1),
          randomTensor([c], seed + 2),
        ],
        attributes: { num_groups: groups, epsilon: 0.1 },
        // Its statistics are float32 even when its input is float64.
        step: 0.05,
        tolerance: 3e-3,
        seed,
      });
    }),
    { numRuns: 30 },
  );
});
