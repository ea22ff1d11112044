import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { expect, it } from "vitest";
import { z } from "zod";
import { reportPage } from "../../src/report/page.ts";
import { exampleRecord } from "../../src/report/record.fixture.ts";

const browser = process.env.CHROMIUM ?? "/usr/bin/chromium";

const attacks = [
  `<script>window.hit=1</script>`,
  `"><img src=x onerror="window.hit=1">`,
  `'><svg onload=window.hit=1>`,
  `</style><script>window.hit=1</script>`,
  `</title><script>window.hit=1</script>`,
  `--><script>window.hit=1</script>`,
  `javascript:window.hit=1`,
  `\u0000<script>window.hit=1</script>`,
  `&lt;script&gt;window.hit=1&lt;/script&gt;`,
  `"onmouseover="window.hit=1`,
];

/** What a page did and holds, as an expression for the browser. */
const look = `{
  for (const one of document.querySelectorAll("body *")) {
    for (const event of ["mouseover", "load", "error", "focus"]) one.dispatchEvent(new Event(event));
  }
  ({
    hit: "hit" in globalThis,
    scripts: document.querySelectorAll("script, iframe, object, embed").length,
    handlers: [...document.querySelectorAll("*")].filter((one) =>
      one.getAttributeNames().some((name) => name.startsWith("on"))).length,
    elements: document.querySelectorAll("body *").length,
  });
}`;
const found = z.object({
  hit: z.boolean(),
  scripts: z.int(),
  handlers: z.int(),
  elements: z.int(),
});

/** Every text in a value replaced; shape and numbers stay. */
function poison(value: unknown, text: string, key = ""): unknown {
  if (typeof value === "string") {
    return ["thumbnail", "finished", "root"].includes(key) || isWord(value) ? value : text;
  }
  if (Array.isArray(value)) return value.map((item) => poison(item, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, poison(item, text, name)]),
  );
}

/** Words such as a strategy or a verdict come from a fixed list. */
function isWord(value: string): boolean {
  return /^[a-z-]+$/.test(value);
}

it.skipIf(!existsSync(browser))(
  `runs nothing that a name brings in, in Chromium (${browser})`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "thaw-report-"));
    const args =
      "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run";
    const chrome = await chromium.launch({ executablePath: browser, args: args.split(" ") });
    try {
      const page = await chrome.newPage();
      const requests: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      const clean = reportPage(exampleRecord());
      const count = async (html: string, name: string) => {
        await writeFile(join(folder, name), html);
        await page.goto(pathToFileURL(join(folder, name)).href);
        return found.parse(await page.evaluate(look));
      };
      const before = await count(clean, "clean.html");
      for (const [index, text] of attacks.entries()) {
        // The poisoned record keeps its shape, which is all that the page relies on.
        const record = poison(exampleRecord(), text) as ReturnType<typeof exampleRecord>;
        const after = await count(reportPage(record), `${index}.html`);
        expect(after, text).toMatchObject({ hit: false, scripts: 0, handlers: 0 });
        expect(Math.abs(after.elements - before.elements), text).toBeLessThan(40);
      }
      expect(
        requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")),
      ).toEqual([]);
    } finally {
      await chrome.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
