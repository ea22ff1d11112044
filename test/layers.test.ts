import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../src");

/** The order the data flows: a folder imports only itself and folders before it. */
const order = [
  "onnx",
  "autodiff",
  "runtime",
  "models",
  "data",
  "measure",
  "plan",
  "train",
  "evaluate",
  "report",
  "node",
  "job",
  "cli",
];
const core = order.slice(0, order.indexOf("node"));
const browserSafePackages = new Set([
  "zod",
  "pure-rand",
  "onnx-buf",
  "@bufbuild/protobuf",
  "csv-parse",
  "hyparquet",
  "hyparquet-compressors",
  "@huggingface/gguf",
]);

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(path))
  .map((path) => path.replaceAll("\\", "/"));

function imports(file: string): string[] {
  // A template literal may hold code that is shown to people, not run.
  const text = readFileSync(join(source, file), "utf8").replaceAll(/`[^`]*`/g, "");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
    (match) => match[1] ?? "",
  );
}

function folderOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : "";
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

describe("folders import in the drawn direction", () => {
  it("finds the folders of the design and no others", () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== ""));
    expect([...folders].filter((folder) => !order.includes(folder))).toEqual([]);
  });

  it.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
    const folder = folderOf(file);
    for (const specifier of imports(file)) {
      if (specifier.startsWith(".")) {
        const target = relative(source, resolve(dirname(join(source, file)), specifier)).replaceAll(
          "\\",
          "/",
        );
        if (target === "errors.ts" || target === "version.ts") continue;
        expect(order.indexOf(folderOf(target)), `${file} imports ${target}`).toBeLessThanOrEqual(
          order.indexOf(folder),
        );
        expect(order, `${file} imports ${target}`).toContain(folderOf(target));
      } else if (core.includes(folder)) {
        expect(browserSafePackages, `${file} imports ${specifier}`).toContain(packageOf(specifier));
      }
    }
  });

  it.each(files.filter((file) => core.includes(folderOf(file))))("%s runs in a browser", (file) => {
    const text = readFileSync(join(source, file), "utf8");
    expect(text).not.toMatch(
      /\bBuffer\.(from|alloc|concat)|\bprocess\.(env|cwd|argv|platform)|from "node:/,
    );
  });
});
