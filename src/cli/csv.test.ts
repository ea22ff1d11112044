import { parse } from "csv-parse/browser/esm/sync";
import fc from "fast-check";
import { expect, it } from "vitest";
import { csvLine } from "./csv.ts";

it("is read back as it was by a CSV reader", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string().map((text) => `x${text}`),
        { minLength: 1 },
      ),
      (cells) => {
        expect(parse(csvLine(cells), { record_delimiter: "\r\n" })).toEqual([cells]);
      },
    ),
  );
});

it("defuses formulas and leaves numbers alone", () => {
  expect(csvLine(["=1+1", "@cmd", "-x", "-1.5", 2])).toBe("'=1+1,'@cmd,'-x,-1.5,2\r\n");
});
