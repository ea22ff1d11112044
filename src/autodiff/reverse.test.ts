import { describe, expect, test } from "vitest";
import { ThawError } from "../errors.ts";
import { GraphBuilder } from "../onnx/build.ts";
import { floats, modelOf } from "../onnx/models.fixture.ts";
import { run } from "../onnx/run.fixture.ts";
import { float32 } from "../onnx/tensor.ts";
import { differentiate } from "./reverse.ts";

/** Differentiates what `write` adds, every value of which has dimensions [2, 2]. */
function backward(
  write: (build: GraphBuilder) => void,
  sources: readonly string[],
  output = "y",
): { readonly build: GraphBuilder; readonly gradients: ReadonlyMap<string, string> } {
  const build = new GraphBuilder(["x", "v", "w", "y", "seed"]);
  write(build);
  const found = differentiate(
    {
      nodes: [...build.nodes],
      dims: () => [2, 2],
      constant: (name) => build.initializers.get(name),
    },
    build,
    new Set(sources),
    new Map([[output, "seed"]]),
  );
  const gradients = new Map([...found].filter(([value]) => sources.includes(value)));
  return { build, gradients };
}

const opsOf = (build: GraphBuilder) => build.nodes.map((node) => node.op);

test("contributions of several uses add up", async () => {
  const { build, gradients } = backward(
    (build) => {
      const square = build.add("Mul", ["w", "w"]);
      const scaled = build.add("Mul", [square, "x"]);
      build.add("Add", [scaled, "w"], {}, { output: "y" });
    },
    ["w"],
  );
  const gradient = gradients.get("w") ?? "";
  const inputs = ["x", "w", "seed"].map((name) => floats(name, [2, 2]));
  const graph = build.build("test", inputs, [floats(gradient, null)]);
  const feeds = {
    x: float32([1, 2, 3, 4], [2, 2]),
    w: float32([2, 3, -1, 0.5], [2, 2]),
    seed: float32([1, 1, 2, -1], [2, 2]),
  };
  const found = await run(modelOf(graph), { feeds });
  // d(w^2 x + w)/dw = 2 w x + 1
  expect(Array.from(found[gradient]?.data ?? [], Number)).toEqual([5, 13, -10, -5]);
});

test("nothing is written before the first trained layer", () => {
  const { build, gradients } = backward(
    (build) => {
      const frozen = build.add("MatMul", ["x", "v"]);
      const hidden = build.add("Relu", [frozen]);
      build.add("MatMul", [hidden, "w"], {}, { output: "y" });
    },
    ["w"],
  );
  expect(opsOf(build).filter((op) => op === "MatMul")).toHaveLength(2);
  expect(opsOf(build)).not.toContain("HardSigmoid");
  expect([...gradients.keys()]).toEqual(["w"]);
});

test("a source that the output does not depend on gets no gradient", () => {
  const { gradients } = backward(
    (build) => {
      build.add("MatMul", ["x", "v"]);
      build.add("MatMul", ["x", "w"], {}, { output: "y" });
    },
    ["v", "w"],
  );
  expect([...gradients.keys()]).toEqual(["w"]);
});

test("shape arithmetic lets no gradient through and needs no rule", () => {
  const { build } = backward(
    (build) => {
      const hidden = build.add("MatMul", ["x", "w"]);
      const shape = build.add("Shape", [hidden]);
      const odd = build.add("BitwiseNot", [shape]);
      const restored = build.add("BitwiseNot", [odd]);
      build.add("Reshape", [hidden, restored], {}, { output: "y" });
    },
    ["w"],
  );
  expect(opsOf(build).filter((op) => op === "BitwiseNot")).toHaveLength(2);
});

describe("an operator without a rule", () => {
  const write = (build: GraphBuilder) => {
    const first = build.add("MatMul", ["x", "w"]);
    const branch = build.add("Sigmoid", [first]);
    const strange = build.add("LRN", [first], { size: 3 }, { output: "strange" });
    const joined = build.add("Add", [strange, branch], {}, { output: "joined" });
    build.add("MatMul", [joined, "v"], {}, { output: "y" });
  };

  test("is named with its node and the nearest cut behind it", () => {
    try {
      backward(write, ["w", "v"]);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ThawError);
      expect(error).toMatchObject({
        fault: {
          code: "autodiff/missing-rule",
          where: "LRN_node",
          details: { op: "LRN", node: "LRN_node", cut: "joined" },
        },
      });
    }
  });

  test("does no harm before the cut", () => {
    expect([...backward(write, ["v"]).gradients.keys()]).toEqual(["v"]);
  });

  test("without a cut behind it says so", () => {
    const last = (build: GraphBuilder) => {
      build.add("LRN", [build.add("MatMul", ["x", "w"])], { size: 3 }, { output: "y" });
    };
    expect(() => backward(last, ["w"])).toThrow(
      expect.objectContaining({
        fault: expect.objectContaining({ details: expect.objectContaining({ cut: null }) }),
      }),
    );
  });
});
