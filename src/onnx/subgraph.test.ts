import { describe, expect, test } from "vitest";
import { GraphBuilder } from "./build.ts";
import { floats, modelOf, smallNetwork } from "./models.fixture.ts";
import { feedsFor, run } from "./run.fixture.ts";
import { subgraph } from "./subgraph.ts";

const producerOf = (op: string) =>
  smallNetwork().graph.nodes.find((node) => node.op === op)?.outputs[0] ?? "";

describe("subgraph", () => {
  test("a prefix and the suffix after it give what the whole gives", async () => {
    const model = smallNetwork();
    const cut = producerOf("Add");
    const prefix = subgraph(model, { outputs: [cut] });
    const suffix = subgraph(model, {
      inputs: { [cut]: ["batch", 4, 8, 8] },
      outputs: ["logits"],
    });
    expect(prefix.graph.nodes.length + suffix.graph.nodes.length).toBe(model.graph.nodes.length);
    const { [cut]: middle } = await run(prefix, { feeds: feedsFor(model) });
    if (middle === undefined) throw new Error("no output");
    const { logits } = await run(suffix, { feeds: { [cut]: middle } });
    expect(logits).toEqual((await run(model)).logits);
  });

  test("carries only the initializers it needs", () => {
    const suffix = subgraph(smallNetwork(), {
      inputs: { [producerOf("Flatten")]: ["batch", 4] },
      outputs: ["logits"],
    });
    expect([...suffix.graph.initializers.keys()]).toEqual(["weight7", "weight8"]);
  });

  test("an initializer can become an input", () => {
    const freed = subgraph(smallNetwork(), {
      inputs: { image: ["batch", 3, 8, 8], weight8: [5] },
      outputs: ["logits"],
    });
    expect(freed.graph.inputs.map(({ name }) => name)).toEqual(["image", "weight8"]);
    expect(freed.graph.initializers.has("weight8")).toBe(false);
  });

  test("exposed intermediates get their own types", async () => {
    const build = new GraphBuilder(["x"]);
    const shape = build.add("Shape", ["x"]);
    const positive = build.add("Greater", ["x", build.scalar(0)]);
    const cast = build.add("Cast", [positive], { to: 10 });
    const model = modelOf(build.build("types", [floats("x", [2, 3])], [floats("x", [2, 3])]));
    const exposed = subgraph(model, { outputs: [shape, positive, cast] });
    expect(exposed.graph.outputs.map(({ type }) => type)).toEqual(["int64", "bool", "float16"]);
    const results = await run(exposed);
    expect(results[shape]?.data).toEqual(BigInt64Array.of(2n, 3n));
  });

  test("a cut that leaves a way around it is refused", () => {
    const model = smallNetwork();
    expect(() =>
      subgraph(model, {
        inputs: { [producerOf("GlobalAveragePool")]: null },
        outputs: [producerOf("Add")],
      }),
    ).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code: "onnx/open-cut" }) }),
    );
  });

  test("a value that is not there is refused", () => {
    expect(() => subgraph(smallNetwork(), { outputs: ["nowhere"] })).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code: "onnx/no-such-value" }) }),
    );
  });
});
