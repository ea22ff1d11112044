import { describe, expect, test } from "vitest";
import { GraphBuilder } from "./build.ts";
import type { Model } from "./graph.ts";
import { floats, modelOf } from "./models.fixture.ts";
import { bytesOf, run } from "./run.fixture.ts";
import { simplify } from "./simplify.ts";
import { float32, int64 } from "./tensor.ts";

const ops = (model: Model) => model.graph.nodes.map((node) => node.op);

describe("simplify", () => {
  test("Constant, Identity and idle Dropout go, the results stay", async () => {
    const build = new GraphBuilder(["x", "y"]);
    const one = build.add("Constant", [], { value_float: { kind: "float", value: 1 } });
    const sum = build.add("Add", [build.add("Identity", ["x"]), one]);
    const dropped = build.add("Dropout", [sum]);
    build.add("Identity", [build.add("Relu", [dropped])], {}, { output: "y" });
    const model = modelOf(build.build("small", [floats("x", [4])], [floats("y", [4])]));
    const simple = simplify(model);
    expect(ops(simple)).toEqual(["Add", "Relu"]);
    expect(bytesOf((await run(simple)).y)).toEqual(bytesOf((await run(model)).y));
  });

  test("a Dropout that trains or whose mask is read stays", () => {
    const build = new GraphBuilder(["x"]);
    const training = build.constant({ type: "bool", dims: [], data: Uint8Array.of(1) });
    const [active = ""] = build.addMany("Dropout", ["x", build.scalar(0.5), training], 1);
    const [, mask = ""] = build.addMany("Dropout", ["x"], 2);
    const model = modelOf(
      build.build(
        "drop",
        [floats("x", [4])],
        [floats(active, [4]), { name: mask, type: "bool", shape: [4] }],
      ),
    );
    expect(ops(simplify(model))).toEqual(["Dropout", "Dropout"]);
  });

  test("initializers merged through Identity get copies of their own", async () => {
    const build = new GraphBuilder(["x", "y"]);
    const shared = build.constant(float32(new Float32Array(100).fill(0.25), [100]), "shared");
    const twin = build.add("Identity", [shared]);
    const again = build.add("Identity", [twin]);
    const first = build.add("Mul", ["x", shared]);
    const second = build.add("Mul", [first, twin]);
    build.add("Mul", [second, again], {}, { output: "y" });
    const model = modelOf(build.build("tied", [floats("x", [100])], [floats("y", [100])]));
    const simple = simplify(model);
    expect([...simple.graph.initializers.keys()]).toEqual([shared, twin, again]);
    expect(ops(simple)).toEqual(["Mul", "Mul", "Mul"]);
    expect(bytesOf((await run(simple)).y)).toEqual(bytesOf((await run(model)).y));
  });

  test("constant shape arithmetic is computed", async () => {
    const build = new GraphBuilder(["x", "y"]);
    const like = build.constant(float32(new Float32Array(24), [2, 3, 4]), "like");
    const shape = build.add("Shape", [like]);
    const last = build.add("Gather", [shape, build.constant({ ...int64([2]), dims: [] })], {
      axis: 0,
    });
    const six = build.add("Mul", [last, build.constant({ ...int64([3]), dims: [] })]);
    const half = build.add("Div", [six, build.constant({ ...int64([2]), dims: [] })]);
    const list = build.add("Unsqueeze", [half, build.ints([0])]);
    const tail = build.add("Slice", [shape, build.ints([-2]), build.ints([-1])]);
    const dims = build.add("Concat", [list, tail, build.ints([-1])], { axis: 0 });
    const ones = build.add("ConstantOfShape", [build.add("Shape", [dims])], {
      value: int64([1]),
    });
    const wanted = build.add("Mul", [dims, build.add("Cast", [ones], { to: 7 })]);
    build.add("Reshape", ["x", wanted], {}, { output: "y" });
    const model = modelOf(build.build("shape", [floats("x", [36])], [floats("y", [6, 3, 2])]));
    const simple = simplify(model);
    expect(ops(simple)).toEqual(["Reshape"]);
    const { y } = await run(simple);
    expect(y?.dims).toEqual([6, 3, 2]);
    expect(bytesOf(y)).toEqual(bytesOf((await run(model)).y));
  });

  test("a chain of Identities to two outputs keeps both names", async () => {
    const build = new GraphBuilder(["x", "y", "z"]);
    const relu = build.add("Relu", ["x"]);
    build.add("Identity", [relu], {}, { output: "y" });
    build.add("Identity", ["y"], {}, { output: "z" });
    const model = modelOf(
      build.build("twice", [floats("x", [4])], [floats("y", [4]), floats("z", [4])]),
    );
    const simple = simplify(model);
    const [before, after] = [await run(model), await run(simple)];
    expect(bytesOf(after.y)).toEqual(bytesOf(before.y));
    expect(bytesOf(after.z)).toEqual(bytesOf(before.z));
  });

  test("values captured by a branch keep their meaning", async () => {
    const build = new GraphBuilder(["x", "y"]);
    const same = build.add("Identity", ["x"]);
    const branch = (op: string, name: string) => {
      const inside = new GraphBuilder();
      const out = inside.add(op, [same], {}, { output: name });
      return { kind: "graph", value: inside.build(name, [], [floats(out, [4])]) } as const;
    };
    const yes = build.constant({ type: "bool", dims: [], data: Uint8Array.of(1) });
    build.add(
      "If",
      [yes],
      { then_branch: branch("Neg", "negated"), else_branch: branch("Identity", "kept") },
      { output: "y" },
    );
    const model = modelOf(build.build("branch", [floats("x", [4])], [floats("y", [4])]));
    const simple = simplify(model);
    expect(ops(simple)).toEqual(["If"]);
    expect(bytesOf((await run(simple)).y)).toEqual(bytesOf((await run(model)).y));
  });
});
