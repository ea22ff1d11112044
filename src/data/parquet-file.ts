import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { z } from "zod";
import { ThawError } from "../errors.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";

const feature = z.object({ _type: z.string(), names: z.array(z.string()).optional() });
const huggingFace = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()) }),
});

const mostRows = 100_000_000;

/** A parquet file of a Hugging Face image dataset, its columns found. */
export class ParquetFile {
  readonly path: string;
  readonly rows: number;
  /** The names of a ClassLabel column, by label; absent where labels are text or bare numbers. */
  readonly classNames: readonly string[] | undefined;
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #imageColumn: string;
  readonly #labelColumn: string;

  private constructor(path: string, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path;
    this.#buffer = buffer;
    this.#metadata = metadata;
    this.rows = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
    if (this.rows > mostRows || this.rows !== Number(metadata.num_rows)) {
      throw unreadable(path, "the row counts contradict each other");
    }
    const features = classFeatures(metadata);
    const names = parquetSchema(metadata).children;
    const image =
      names.find((column) => column.children.some((child) => child.element.name === "bytes")) ??
      names.find((column) => /^(image|img|picture)s?$/i.test(column.element.name));
    const label =
      names.find((column) => features.has(column.element.name)) ??
      names.find((column) =>
        /^((fine_?)?labels?|class(_name)?|category|target)$/i.test(column.element.name),
      );
    if (image === undefined || label === undefined) {
      throw new ThawError({
        code: "data/parquet-columns",
        what: `The parquet file has no ${image === undefined ? "image" : "label"} column; it has ${names.map((column) => column.element.name).join(", ")}`,
        where: path,
        next: "Use an image classification dataset: an image column and a label column.",
      });
    }
    this.#imageColumn = image.element.name;
    this.#labelColumn = label.element.name;
    this.classNames = features.get(label.element.name);
  }

  /** @throws ThawError `data/parquet-unreadable`, `data/parquet-columns` */
  static async open(files: ReadonlyFileSystem, path: string): Promise<ParquetFile> {
    const byteLength = await files.size(path);
    const buffer: AsyncBuffer = {
      byteLength,
      slice: async (start, end = byteLength) => (await files.read(path, start, end)).buffer,
    };
    return guarded(path, async () => {
      return new ParquetFile(path, buffer, await parquetMetadataAsync(buffer));
    });
  }

  /** The class name of every row. */
  async labels(): Promise<string[]> {
    const values = await this.#read(this.#labelColumn, 0, this.rows);
    return values.map((value, row) => {
      const name = this.#className(value);
      if (name !== undefined) return name;
      throw unreadable(`${this.path}#${row}`, "the label is neither a number nor text");
    });
  }

  /** The rows of the row group a row belongs to: what one read costs anyway. */
  rowGroup(row: number): { readonly start: number; readonly end: number } {
    let start = 0;
    for (const group of this.#metadata.row_groups) {
      const end = start + Number(group.num_rows);
      if (row < end) return { start, end };
      start = end;
    }
    throw unreadable(`${this.path}#${row}`, "there is no such row");
  }

  /** Encoded pictures of the rows `start` up to `end`; undefined where a row holds no bytes. */
  async pictures(start: number, end: number): Promise<(Uint8Array | undefined)[]> {
    const values = await this.#read(this.#imageColumn, start, end);
    return values.map((value) => {
      const bytes: unknown =
        typeof value === "object" && value !== null && "bytes" in value ? value.bytes : value;
      return bytes instanceof Uint8Array ? bytes : undefined;
    });
  }

  #className(value: unknown): string | undefined {
    if (typeof value !== "number" && typeof value !== "bigint") {
      return typeof value === "string" ? value : undefined;
    }
    return this.classNames === undefined ? String(value) : this.classNames[Number(value)];
  }

  #read(column: string, rowStart: number, rowEnd: number): Promise<unknown[]> {
    return guarded(this.path, async () => {
      const rows: Record<string, unknown>[] = await parquetReadObjects({
        file: this.#buffer,
        metadata: this.#metadata,
        columns: [column],
        rowStart,
        rowEnd,
        compressors,
        utf8: false,
      });
      if (rows.length !== rowEnd - rowStart) throw unreadable(this.path, "rows are missing");
      return rows.map((row) => row[column]);
    });
  }
}

function classFeatures(metadata: FileMetaData): Map<string, readonly string[]> {
  const text = metadata.key_value_metadata?.find((entry) => entry.key === "huggingface")?.value;
  const found = new Map<string, readonly string[]>();
  if (text === undefined) return found;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return found;
  }
  const parsed = huggingFace.safeParse(json);
  for (const [name, value] of Object.entries(parsed.data?.info.features ?? {})) {
    const column = feature.safeParse(value);
    if (column.data?._type === "ClassLabel" && column.data.names !== undefined) {
      found.set(name, column.data.names);
    }
  }
  return found;
}

async function guarded<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unreadable(where: string, why: string, cause?: unknown): ThawError {
  return new ThawError(
    {
      code: "data/parquet-unreadable",
      what: `The parquet file cannot be read: ${why}`,
      where,
      next: "Download the file again, or write it with snappy compression.",
    },
    cause,
  );
}
