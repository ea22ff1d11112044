import { expect, it } from "vitest";
import { reportPage } from "./page.ts";
import { exampleRecord } from "./record.fixture.ts";
import { type RunRecord, runRecord } from "./record.ts";

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

it("shows no spread where a trial ran on one fold", () => {
  const once = (trials: RunRecord["trials"]) =>
    trials.map((trial) => ({ ...trial, folds: [trial.mean], standardError: null }));
  const record = exampleRecord();
  const page = reportPage({ ...record, trials: once(record.trials) });
  expect(reportPage(record)).toMatch(/<rect class="band"[\s\S]*<line class="error/);
  expect(page).not.toMatch(/class="band"|<line class="error|The band|NaN/);
  expect(page).toContain('<td class="n">\u2013</td>');
});

it("calls a race a race", () => {
  const record = exampleRecord();
  const page = reportPage({ ...record, plan: { ...record.plan, check: "race" } });
  expect(page).toContain("<h3>The race</h3>");
  expect(page).not.toContain("The balance search");
});

it("tells the rule's plan from what was done where the rule was overruled", () => {
  const record = exampleRecord();
  const overruled = { from: "rear", to: "full", says: "The rule says otherwise." } as const;
  const heading = "The rule's plan, before it was overruled";
  expect(reportPage({ ...record, overruled })).toContain(heading);
  expect(reportPage(record)).not.toContain(heading);
});

it("marks nothing as frozen where nothing was", () => {
  const record = exampleRecord();
  const thawPoint = { cut: "value_0", name: "input", depth: 0 };
  const page = reportPage({ ...record, chosen: { ...record.chosen, strategy: "full", thawPoint } });
  expect(reportPage(record)).toContain(">frozen</text>");
  expect(page).not.toContain(">frozen</text>");
});

it("is never entirely sure", () => {
  const record = exampleRecord();
  const page = reportPage({
    ...record,
    similarity: { ...record.similarity, confidence: 0.9999 },
    mistakes: record.mistakes.map((one) => ({ ...one, probability: 0.99996 })),
  });
  expect(page).toContain("confidence 99 %");
  expect(page).toContain("</b> 99.9 %<br>");
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
