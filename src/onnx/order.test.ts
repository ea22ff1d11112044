import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Node } from "./graph.ts";
import { topologicalOrder } from "./order.ts";

const node = (inputs: readonly string[], output: string): Node => ({
  name: output,
  op: "Sum",
  domain: "",
  inputs,
  outputs: [output],
  attributes: {},
});

/** Nodes 0, 1, 2 ... each reading some of those before it. */
const ordered = fc
  .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 })
  .map((sources) =>
    sources.map((reads, index) =>
      node(index === 0 ? ["x"] : reads.map((source) => `v${source % index}`), `v${index}`),
    ),
  );

const shuffled = ordered.chain((nodes) =>
  fc.shuffledSubarray(nodes, { minLength: nodes.length, maxLength: nodes.length }),
);

describe("topologicalOrder", () => {
  test("puts every node after those it reads, losing none", () => {
    fc.assert(
      fc.property(shuffled, (nodes) => {
        const sorted = topologicalOrder(nodes);
        const written = new Set(["x"]);
        for (const { inputs, outputs } of sorted) {
          for (const input of inputs) expect(written).toContain(input);
          for (const output of outputs) written.add(output);
        }
        expect(new Set(sorted)).toEqual(new Set(nodes));
        expect(sorted).toHaveLength(nodes.length);
      }),
    );
  });

  test("leaves nodes that are in order where they are", () => {
    fc.assert(
      fc.property(ordered, (nodes) => {
        expect(topologicalOrder(nodes)).toEqual(nodes);
      }),
    );
  });

  test("finds the node a circle goes through", () => {
    const nodes = [node(["x"], "a"), node(["c"], "b"), node(["b"], "c")];
    expect(() => topologicalOrder(nodes)).toThrow(
      expect.objectContaining({
        fault: expect.objectContaining({ code: "onnx/cyclic", where: "Sum b" }),
      }),
    );
  });
});
