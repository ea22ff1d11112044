import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DEFAULT_MODEL } from "../src/models/catalog.ts";

const root = new URL("../", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), "utf8");
const entry = z.object({
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  dev: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
});
const packages = Object.entries(
  z.object({ packages: z.record(z.string(), entry) }).parse(JSON.parse(read("package-lock.json")))
    .packages,
).filter(([path]) => path !== "");

describe("what is installed", () => {
  it("comes from the registry, every package pinned by its digest", () => {
    expect(packages.length).toBeGreaterThan(50);
    for (const [path, { resolved, integrity }] of packages) {
      // Without an address the registry of the user's settings is asked.
      if (resolved !== undefined)
        expect(resolved, path).toMatch(/^https:\/\/registry\.npmjs\.org\//);
      expect(integrity, path).toMatch(/^sha512-/);
    }
  });

  it("runs one install script at most, which is switched off", () => {
    const scripted = packages.filter(
      ([, { dev, hasInstallScript }]) => hasInstallScript === true && dev !== true,
    );
    expect(scripted.map(([path]) => path)).toEqual(["node_modules/onnxruntime-node"]);
    expect(read(".npmrc")).toMatch(/^onnxruntime-node-install=skip$/m);
  });

  it("is asked for in exact versions", () => {
    const { dependencies, devDependencies } = z
      .object({
        dependencies: z.record(z.string(), z.string()),
        devDependencies: z.record(z.string(), z.string()),
      })
      .parse(JSON.parse(read("package.json")));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
  });
});

it("the default model is pinned by the digest of its package and of its file", () => {
  expect(DEFAULT_MODEL.integrity).toMatch(/^sha512-/);
  expect(DEFAULT_MODEL.sha256).toMatch(/^[0-9a-f]{64}$/);
});
