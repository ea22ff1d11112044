import { expect, it } from "vitest";
import { reportPage } from "./page.ts";
import { exampleRecord } from "./record.fixture.ts";
import { runRecord } from "./record.ts";

it("shows a valid record whole", () => {
  const record = runRecord.parse(exampleRecord());
  const page = reportPage(record);
  for (const text of [
    "90.3 %",
    "features.6",
    "Transferability by depth",
    "The balance search",
    "Confusion matrix",
    "The most confident mistakes",
    "3 pictures stand under two classes",
    "onnxruntime-node",
  ]) {
    expect(page).toContain(text);
  }
});

it("asks nothing of the network and runs no script", () => {
  const page = reportPage(exampleRecord());
  expect(page).not.toMatch(/<script|<link|src="(?!data:)|href=|url\(/);
});

it("takes names as text, never as markup", () => {
  const record = exampleRecord();
  const hostile = `"><img src=x onerror=alert(1)><script>alert(1)</script>\u202egpj`;
  const page = reportPage({
    ...record,
    name: hostile,
    dataset: {
      ...record.dataset,
      classes: record.dataset.classes.map((item) => ({ ...item, name: hostile })),
    },
    mistakes: record.mistakes.map((item) => ({ ...item, id: hostile, truth: hostile })),
    audit: [{ level: "error", says: hostile, pictures: [hostile], total: 1 }],
  });
  expect(page).not.toMatch(/<img src=x|<script|\u202e/);
  expect(page).toContain("&lt;script&gt;");
});

it("leaves out what a run does not have", () => {
  const page = reportPage({
    ...exampleRecord(),
    depthCurve: [],
    trials: [],
    curves: [],
    mistakes: [],
    uncertain: [],
    audit: [],
    quantised: null,
  });
  expect(page).not.toContain("NaN");
  expect(page).not.toContain("Infinity");
  expect(page).toContain("The audit found nothing wrong.");
});
