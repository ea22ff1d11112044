import { describe, expect, it } from "vitest";
import { parseHubSpec, parseNpmSpec } from "./model-spec.ts";

describe("parseNpmSpec", () => {
  it("reads scope, version and path", () => {
    expect(parseNpmSpec("npm:@a/b@1.2.3-rc.1/x/y.onnx")).toEqual({
      name: "@a/b",
      version: "1.2.3-rc.1",
      path: "x/y.onnx",
    });
  });

  it.each([
    "npm:net/model.onnx",
    "npm:net@latest/model.onnx",
    "npm:net@^1.0.0/model.onnx",
    "npm:net@1.0.0",
    "npm:net@1.0.0/../x.onnx",
    "npm:net@1.0.0/a//b",
    "npm:../net@1.0.0/x",
  ])("refuses %s", (bad) => {
    expect(() => parseNpmSpec(bad)).toThrow(/not a model in an npm package/);
  });
});

describe("parseHubSpec", () => {
  it("reads repository, revision and path", () => {
    expect(parseHubSpec("hf:org/net")).toEqual({ repo: "org/net", revision: "main" });
    expect(parseHubSpec("hf:org/net@v1.0/onnx/a.onnx")).toEqual({
      repo: "org/net",
      revision: "v1.0",
      path: "onnx/a.onnx",
    });
  });

  it.each(["hf:net", "hf:org/net/../x", "hf:../net", "hf:org/net/a//b", "hf:org/net/c:\\x"])(
    "refuses %s",
    (spec) => {
      expect(() => parseHubSpec(spec)).toThrow(/not a model on the Hugging Face hub/);
    },
  );
});
