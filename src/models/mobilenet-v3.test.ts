import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { writeModel } from "../onnx/write.ts";
import { buildMobileNetV3, isMobileNetV3 } from "./mobilenet-v3.ts";
import { readSafetensors } from "./safetensors.ts";
import { toFloat32 } from "./state-dict.ts";

// Made by tools/make-mobilenet-fixture.py.
const { tensors } = readSafetensors(
  readFileSync(new URL("../../test/fixtures/mobilenet_v3_narrow.safetensors", import.meta.url)),
);

function stateDict(kind: string) {
  const prefix = `${kind}/`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

function fixture(name: string) {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`the fixture lacks ${name}`);
  return toFloat32(tensor, name);
}

describe("buildMobileNetV3", () => {
  it.each([
    ["small", "MobileNetV3-Small"],
    ["large", "MobileNetV3-Large"],
  ])("computes what torchvision's mobilenet_v3_%s computes", async (kind, name) => {
    const built = buildMobileNetV3(stateDict(kind));
    expect(built.name).toBe(name);
    const session = await onnxRuntime.open(writeModel(built.model));
    const { logits } = await session.run({ pixel_values: fixture("input") });
    await session.release();
    const expected = fixture(`${kind}/output`);
    expect(logits?.dims).toEqual(expected.dims);
    const scale = Math.max(...expected.data.map(Math.abs));
    expected.data.forEach((value, at) => {
      expect(Math.abs(Number(logits?.data[at]) - value)).toBeLessThan(2e-5 * scale);
    });
  });

  it("keeps every weight under torchvision's name and ties none", () => {
    const weights = stateDict("small");
    weights.delete("output");
    const { graph } = buildMobileNetV3(weights).model;
    expect([...graph.initializers.keys()].sort()).toEqual([...weights.keys()].sort());
  });

  it("names the missing and the misshapen tensor", () => {
    const missing = stateDict("small");
    missing.delete("features.4.block.2.fc2.bias");
    expect(() => buildMobileNetV3(missing)).toThrow(/features\.4\.block\.2\.fc2\.bias/);
    const misshapen = stateDict("small");
    const bias = fixture("small/classifier.0.bias");
    misshapen.set("classifier.0.bias", { ...bias, dims: [1, bias.data.length] });
    expect(() => buildMobileNetV3(misshapen)).toThrow(/classifier\.0\.bias has shape/);
  });

  it("knows a MobileNetV3 from other weights", () => {
    expect(isMobileNetV3(stateDict("small"))).toBe(true);
    expect(isMobileNetV3(new Map([["conv1.weight", fixture("input")]]))).toBe(false);
    expect(() => buildMobileNetV3(new Map())).toThrow(/not a MobileNetV3/);
  });
});
