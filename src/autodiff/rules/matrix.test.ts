import fc from "fast-check";
import { test } from "vitest";
import { expectGradients, randomTensor } from "../finite-differences.fixture.ts";

const size = fc.integer({ min: 1, max: 3 });
const seed = fc.integer({ min: 1, max: 1e6 });

/** Two shapes that broadcast to each other: axes dropped from the left or set to one. */
const batches = fc
  .array(fc.tuple(size, fc.boolean(), fc.boolean()), { maxLength: 2 })
  .chain((axes) =>
    fc.tuple(fc.nat(axes.length), fc.nat(axes.length)).map(([dropA, dropB]) => ({
      a: axes.map(([dim, shrink]) => (shrink ? 1 : dim)).slice(dropA),
      b: axes.map(([dim, , shrink]) => (shrink ? 1 : dim)).slice(dropB),
    })),
  );

test("MatMul with broadcast batch dimensions", async () => {
  await fc.assert(
    fc.asyncProperty(batches, size, size, size, seed, async (batch, m, k, n, seed) => {
      const a = randomTensor([...batch.a, m, k], seed);
      const b = randomTensor([...batch.b, k, n], seed + 1);
      await expectGradients({ op: "MatMul", inputs: [a, b], seed });
    }),
    { numRuns: 30 },
  );
});

test("MatMul with vectors", async () => {
  const cases = [
    [[3], [3]],
    [[3], [3, 2]],
    [[2, 3], [3]],
    [[2, 4, 3], [3]],
    [[3], [2, 3, 4]],
  ] as const;
  for (const [a, b] of cases) {
    await expectGradients({ op: "MatMul", inputs: [randomTensor(a, 1), randomTensor(b, 2)] });
  }
});

test("Gemm with every transposition, alpha, beta and shape of C", async () => {
  const scale = fc.constantFrom(1, 0.5, 2, -1.5);
  const shapeOfC = fc.constantFrom("none", "full", "row", "column", "scalar", "vector");
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(size, size, size),
      fc.tuple(fc.boolean(), fc.boolean()),
      fc.tuple(scale, scale),
      shapeOfC,
      seed,
      async ([m, k, n], [transA, transB], [alpha, beta], c, seed) => {
        const shapes = { full: [m, n], row: [1, n], column: [m, 1], scalar: [], vector: [n] };
        const inputs = [
          randomTensor(transA ? [k, m] : [m, k], seed),
          randomTensor(transB ? [n, k] : [k, n], seed + 1),
          ...(c === "none" ? [] : [randomTensor(shapes[c], seed + 2)]),
        ];
        await expectGradients({
          op: "Gemm",
          inputs,
          attributes: {
            transA: Number(transA),
            transB: Number(transB),
            alpha: { kind: "float", value: alpha },
            beta: { kind: "float", value: beta },
          },
          seed,
        });
      },
    ),
    { numRuns: 40 },
  );
});

test("Einsum: products, sums, ellipses, implicit outputs, broadcasting, three operands", async () => {
  const cases: [string, number[][]][] = [
    [
      "ij,jk->ik",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "ij,jk",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "bhid,bhjd->bhij",
      [
        [2, 2, 3, 2],
        [2, 2, 4, 2],
      ],
    ],
    ["i,j->ij", [[2], [3]]],
    ["ij->i", [[2, 3]]],
    ["ij->ji", [[2, 3]]],
    ["ij,j->i", [[2, 3], [3]]],
    [
      "ijk,jk->",
      [
        [2, 3, 2],
        [3, 2],
      ],
    ],
    [
      "...ij,...jk->...ik",
      [
        [2, 2, 3],
        [2, 3, 2],
      ],
    ],
    [
      "...ij,jk->...ik",
      [
        [2, 2, 3],
        [3, 2],
      ],
    ],
    [
      "ab,bc,cd->ad",
      [
        [2, 3],
        [3, 2],
        [2, 4],
      ],
    ],
  ];
  for (const [equation, shapes] of cases) {
    await expectGradients({
      op: "Einsum",
      inputs: shapes.map((dims, index) => randomTensor(dims, index + 1)),
      attributes: { equation },
    });
  }
});

test("Einsum: any labels, repeated ones too", async () => {
  const sizes: Readonly<Record<string, number>> = { i: 2, j: 3, k: 2 };
  const label = fc.constantFrom<string>("i", "j", "k");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(label, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
      fc.subarray<string>(["i", "j", "k"]),
      async (terms, kept) => {
        const output = kept.filter((letter) => terms.flat().includes(letter));
        await expectGradients({
          op: "Einsum",
          inputs: terms.map((term, index) =>
            randomTensor(
              term.map((letter) => sizes[letter] ?? 1),
              index + 1,
            ),
          ),
          attributes: {
            equation: `${terms.map((term) => term.join("")).join(",")}->${output.join("")}`,
          },
        });
      },
    ),
    { numRuns: 60 },
  );
});
