import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { nodeSnippet } from "../src/report/snippets.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("shows the snippet that a report shows for the default network", () => {
  const snippet = nodeSnippet({
    inputSize: [224, 224],
    shorterSide: 256,
    interpolation: "bilinear",
  });
  expect(readme).toContain(snippet);
});

it("has the two commands of a fresh clone on lines of their own", () => {
  const lines = readme.split("\n");
  expect(lines).toContain("npm ci && npm run demo");
  expect(lines).toContain("npm ci && npm test");
});
