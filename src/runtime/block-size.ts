import { NCHWC } from "../autodiff/blocked/values.ts";
import { GraphBuilder } from "../onnx/build.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import { float32 } from "../onnx/tensor.ts";
import { writeModel } from "../onnx/write.ts";
import type { Runtime } from "./session.ts";

const CHANNELS = 64;
const known = new WeakMap<Runtime, Promise<number | undefined>>();

/**
 * How many channels the runtime's kernels keep together in their blocked layout on this machine
 * (16 with AVX-512, 8 with AVX2), or undefined where they have none. Found once for each runtime
 * by reordering two positions of 64 channels: the second position follows the first block.
 */
export function blockSize(runtime: Runtime): Promise<number | undefined> {
  const found = known.get(runtime) ?? probe(runtime);
  known.set(runtime, found);
  return found;
}

async function probe(runtime: Runtime): Promise<number | undefined> {
  const dims = [1, CHANNELS, 1, 2];
  const info = (name: string): ValueInfo => ({ name, type: "float32", shape: dims });
  const build = new GraphBuilder(["x"]);
  const y = build.add("ReorderInput", ["x"], {}, NCHWC);
  // Reading the blocked values as plain ones: Abs neither knows nor changes the layout.
  const seen = build.add("Abs", [y]);
  try {
    const session = await runtime.open(
      writeModel({
        graph: build.build("probe", [info("x")], [info(seen)]),
        opsets: new Map([
          ["", 21],
          [NCHWC.domain, 1],
        ]),
        irVersion: 10,
        producer: "thaw",
        metadata: new Map(),
      }),
    );
    const x = float32(
      Float32Array.from({ length: 2 * CHANNELS }, (_, at) => at),
      dims,
    );
    const order = [...((await session.run({ x }))[seen]?.data ?? [])].map(Number);
    await session.release();
    const block = order.indexOf(1);
    return block > 1 ? block : undefined;
  } catch {
    // A runtime without these kernels (a browser's) refuses the graph: plain layout it is.
    return undefined;
  }
}
