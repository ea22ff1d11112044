import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onnxRuntime } from "../../node/onnxruntime.ts";
import { GraphBuilder } from "../../onnx/build.ts";
import type { Graph } from "../../onnx/graph.ts";
import { modelOf } from "../../onnx/models.fixture.ts";
import { writeModel } from "../../onnx/write.ts";
import { blockSize } from "../../runtime/block-size.ts";
import { randomTensor } from "../finite-differences.fixture.ts";
import { fuseConvolutions } from "./fuse.ts";
import { NCHWC } from "./values.ts";

const block = await blockSize(onnxRuntime);
const dims = [1, 2 * (block ?? 16), 3, 3];

/** Writes maps of one size, all of them blocked, and remembers the additions. */
class Maps {
  readonly build = new GraphBuilder(["x"]);
  readonly additions = new Set<string>();

  conv(x: string): string {
    const [, channels = 1] = dims;
    const weight = randomTensor([channels, channels, 1, 1], this.build.nodes.length + 1, -0.2, 0.2);
    return this.build.add("Conv", [x, this.build.constant(weight)], {}, NCHWC);
  }

  add(a: string, b: string): string {
    const sum = this.build.add("Add", [a, b]);
    this.additions.add(sum);
    return sum;
  }

  relu(x: string): string {
    return this.build.add("Relu", [x]);
  }

  clip(x: string, ...high: readonly number[]): string {
    return this.build.add("Clip", [x, ...[-0.1, ...high].map((bound) => this.build.scalar(bound))]);
  }

  graph(outputs: readonly string[]): Graph {
    const info = (name: string) => ({ name, type: "float32", shape: dims }) as const;
    return this.build.build("maps", [info("x")], outputs.map(info));
  }

  fused(...outputs: readonly string[]): Graph {
    return fuseConvolutions(this.graph(outputs), this.additions);
  }
}

async function run(graph: Graph): Promise<readonly (readonly number[])[]> {
  const model = modelOf(graph);
  const session = await onnxRuntime.open(
    writeModel({ ...model, opsets: new Map(model.opsets).set(NCHWC.domain, 1) }),
    { optimization: "none", threads: 1 },
  );
  const results = await session.run({ x: randomTensor(dims, 7) });
  await session.release();
  return graph.outputs.map(({ name }) => Array.from(results[name]?.data ?? [], Number));
}

const step = fc.record({
  op: fc.constantFrom("conv", "conv", "conv", "add", "add", "relu", "clip", "floor"),
  first: fc.constantFrom(0, 0, 0, 1, 2),
  second: fc.nat(3),
  exposed: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
});

describe.skipIf(block === undefined)("fused convolutions", () => {
  test("give what the parts give, whatever reads what", async () => {
    let absorbed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
        const maps = new Maps();
        const values = [maps.conv("x")];
        const exposed = new Set<string>();
        for (const { op, first, second, exposed: isOutput } of steps) {
          const [a = "", b = ""] = [first, second].map((back) => values.at(-1 - back) ?? values[0]);
          const value =
            op === "conv"
              ? maps.conv(a)
              : op === "add"
                ? maps.add(a, b)
                : op === "relu"
                  ? maps.relu(a)
                  : maps.clip(a, ...(op === "clip" ? [0.3] : []));
          values.push(value);
          if (isOutput) exposed.add(value);
        }
        exposed.add(values.at(-1) ?? "");
        const graph = maps.graph([...exposed]);
        const fused = maps.fused(...exposed);
        absorbed += graph.nodes.length - fused.nodes.length;
        const [expected, found] = [await run(graph), await run(fused)];
        expected.forEach((map, output) => {
          map.forEach((value, at) => {
            expect(found[output]?.[at]).toBeCloseTo(value, 4);
          });
        });
      }),
      { numRuns: 120 },
    );
    expect(absorbed).toBeGreaterThan(30);
  });

  test("one node takes in an addition and the bound behind it", () => {
    const maps = new Maps();
    const shortcut = maps.relu("x");
    const sum = maps.add(maps.conv("x"), shortcut);
    const y = maps.clip(sum, 6);
    const [, conv, ...others] = maps.fused(y).nodes;
    expect(others).toEqual([]);
    expect(conv?.inputs.slice(2)).toEqual(["", shortcut]);
    expect(conv?.outputs).toEqual([y]);
    expect(conv?.attributes.activation).toEqual({ kind: "string", value: "Clip" });
  });

  test.each<[string, (maps: Maps) => readonly string[]]>([
    [
      "is read twice",
      (maps) => {
        const y = maps.conv("x");
        return [maps.relu(y), maps.clip(y, 6)];
      },
    ],
    [
      "is an output",
      (maps) => {
        const y = maps.conv("x");
        return [y, maps.relu(y)];
      },
    ],
    [
      "is added to itself",
      (maps) => {
        const y = maps.conv("x");
        return [maps.add(y, y)];
      },
    ],
    [
      "meets one number a channel",
      (maps) => {
        const channel = maps.build.constant(randomTensor([1, dims[1] ?? 1, 1, 1], 3));
        return [maps.build.add("Add", [maps.conv("x"), channel])];
      },
    ],
    ["is bounded on one side", (maps) => [maps.clip(maps.conv("x"))]],
  ])("a convolution that %s stays as it is", (_, write) => {
    const maps = new Maps();
    const outputs = write(maps);
    expect(maps.fused(...outputs).nodes).toEqual(maps.graph(outputs).nodes);
  });

  test("one addition goes in, the next stays", () => {
    const maps = new Maps();
    const y = maps.add(maps.add(maps.conv("x"), "x"), "x");
    expect(maps.fused(y).nodes.map(({ op }) => op)).toEqual(["Conv", "Add"]);
  });

  test("nothing follows an activation into the same node", () => {
    const maps = new Maps();
    const y = maps.add(maps.relu(maps.conv("x")), "x");
    expect(maps.fused(y).nodes.map(({ op }) => op)).toEqual(["Conv", "Add"]);
  });
});
