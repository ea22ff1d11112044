import { CsvError, parse } from "csv-parse/browser/esm/sync";
import { ThawError } from "../errors.ts";

/** One line of a manifest, its cells as text. */
export interface ManifestRow {
  /** Where the row stands, from 1, the header line counted. */
  readonly line: number;
  /** Column names in lower case with `_` between words; rows share them, so millions fit. */
  readonly columns: readonly string[];
  readonly cells: readonly string[];
}

const longestLine = 1 << 20;

/**
 * The rows of a CSV, TSV or JSON-lines file. Cells stay text: nothing in them is ever evaluated.
 * The separator of a CSV is the one its header line uses most: comma, semicolon or tab.
 * @throws ThawError `data/manifest-malformed`
 */
export function manifestRows(text: string, file: string): ManifestRow[] {
  return /\.(jsonl|ndjson)$/i.test(file) ? jsonRows(text, file) : csvRows(text, file);
}

function csvRows(text: string, file: string): ManifestRow[] {
  const header = text.slice(0, Math.max(0, text.indexOf("\n")));
  const delimiter = [",", ";", "\t"].sort((a, b) => count(header, b) - count(header, a))[0] ?? ",";
  const rows: ManifestRow[] = [];
  let columns: readonly string[] | undefined;
  try {
    parse(text, {
      bom: true,
      delimiter,
      max_record_size: longestLine,
      skip_empty_lines: true,
      relax_quotes: true,
      on_record: (record: string[], context) => {
        if (columns === undefined) columns = record.map(headerName);
        else rows.push({ line: context.lines, columns, cells: record });
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof CsvError) throw malformed(file, cause.message, cause);
    throw cause;
  }
  return rows;
}

function jsonRows(text: string, file: string): ManifestRow[] {
  const rows: ManifestRow[] = [];
  const known = new Map<string, readonly string[]>();
  let line = 0;
  for (const source of text.replace(/^\ufeff/, "").split("\n")) {
    line++;
    if (source.trim() === "") continue;
    if (source.length > longestLine) throw malformed(`${file}:${line}`, "the line is too long");
    const entries = Object.entries(jsonObject(source, `${file}:${line}`)).filter(([, value]) =>
      ["string", "number", "boolean"].includes(typeof value),
    );
    const names = entries.map(([name]) => headerName(name));
    const columns = known.get(names.join()) ?? names;
    known.set(names.join(), columns);
    rows.push({ line, columns, cells: entries.map(([, value]) => String(value)) });
  }
  return rows;
}

function jsonObject(source: string, where: string): object {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw malformed(where, cause instanceof Error ? cause.message : "no JSON", cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(where, "each line must be a JSON object");
  }
  return value;
}

function headerName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_|_$/g, "");
}

function count(text: string, piece: string): number {
  return text.split(piece).length - 1;
}

function malformed(where: string, why: string, cause?: unknown): ThawError {
  return new ThawError(
    {
      code: "data/manifest-malformed",
      what: `The manifest cannot be read: ${why}`,
      where,
      next: "Correct this line; a manifest is CSV with a header line, or one JSON object a line.",
    },
    cause,
  );
}
