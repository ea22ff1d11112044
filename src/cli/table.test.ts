import fc from "fast-check";
import { expect, it } from "vitest";
import { printable, table, wrap } from "./table.ts";

it("aligns numbers right and text left", () => {
  expect(
    table(
      ["class", "n"],
      [
        ["ants", 3],
        ["bees", 120],
      ],
    ),
  ).toBe("class    n\nants     3\nbees   120");
});

it("never exceeds the width", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.nat()), { minLength: 1 }), (rows) => {
      for (const line of table(["name", "count"], rows, 40).split("\n")) {
        expect([...line].length).toBeLessThanOrEqual(40);
      }
    }),
  );
});

it("wraps at spaces", () => {
  expect(wrap("one two three", 8, " ")).toBe(" one two\n three");
});

it("keeps line breaks", () => {
  expect(wrap("one two\nthree", 5)).toBe("one\ntwo\nthree");
});

it("cuts the middle out of what is too long, so that a path keeps its file's name", () => {
  const [, row] = table(
    ["picture", "label"],
    [["/data/leaves/blast/blast_1.jpg", "blast"]],
    24,
  ).split("\n");
  expect(row).toBe("/data/le\u2026st_1.jpg  blast");
});

it("takes the teeth out of hostile names", () => {
  expect(printable("a\u001b[31mred\u0007\n\u202eb")).toBe("a\ufffd[31mred\ufffd\ufffd\ufffdb");
});
