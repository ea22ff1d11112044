import { describe, expect, it } from "vitest";
import { blockNames, modulePath } from "./block-names.ts";

describe("modulePath", () => {
  it.each([
    ["features.7.block.3.1.weight", "", ["features", "features.7", "features.7.block"]],
    ["onnx::Conv_123", "/layer1/layer1.0/conv1/Conv", ["layer1", "layer1.0", "layer1.0.conv1"]],
    ["150_block_16_project.weight", "", ["block", "block_16", "block_16_project"]],
    ["", "conv5_block3_2_conv/Conv2D", ["conv5", "conv5_block3", "conv5_block3_2"]],
    [
      "onnx::MatMul_9",
      "/vit/encoder/layer.0/query/MatMul",
      ["vit", "vit.encoder", "vit.encoder.layer"],
    ],
    ["const_4", "17", []],
  ])("%s at %s", (weight, node, path) => {
    expect(modulePath(weight, node).slice(0, 3)).toEqual(path);
  });
});

describe("blockNames", () => {
  const paths = (...names: string[]) => names.map((name) => modulePath(`${name}.weight`, ""));

  it("takes the outermost level with enough numbered blocks", () => {
    const found = paths("stem", "stages.0.0.a", "stages.0.1.a", "stages.1.0.a", "stages.1.1.a");
    const cuts = found.map(() => true);
    expect(blockNames(found, cuts, 2)?.at(-1)).toBe("stages.1");
    expect(blockNames(found, cuts, 4)?.at(-1)).toBe("stages.1.1");
  });

  it("does not count blocks that no cut ends", () => {
    const found = paths("b.0.x", "b.0.y", "b.1.x", "b.1.y", "b.2.x", "b.2.y");
    const names = blockNames(found, [false, true, false, true, false, true], 10);
    expect(names).toEqual(["b.0", "b.0", "b.1", "b.1", "b.2", "b.2"]);
  });

  it("gives up on names that come back later or are missing", () => {
    const repeated = paths("relu", "tanh", "relu", "tanh");
    expect(
      blockNames(
        repeated,
        repeated.map(() => true),
        3,
      ),
    ).toBeUndefined();
    expect(blockNames([[], [], [], []], [true, true, true, true], 3)).toBeUndefined();
  });
});
