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
import { unreadableParquet } from "./parquet-fault.ts";
import type { ReadonlyFileSystem } from "./readonly-file-system.ts";

const feature = z.object({ _type: z.string(), names: z.array(z.string()).optional() });
const huggingFace = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()) }),
});

const mostRows = 2 ** 22;

/** What a dataset asks of a parquet file; `ParquetFile` reads it in place. */
export interface ParquetReader {
  /** The names of a ClassLabel column, by label; absent where labels are text or bare numbers. */
  readonly classNames: readonly string[] | undefined;
  /** The row groups: what one read costs anyway. */
  readonly groups: readonly RowGroup[];
  /** The class name of every row. */
  labels(): Promise<string[]>;
  /** Encoded pictures of a row group; undefined where a row holds no bytes. */
  pictures(group: RowGroup): Promise<(Uint8Array | undefined)[]>;
}

/** Rows `start` up to, not including, `end`. */
export interface RowGroup {
  readonly start: number;
  readonly end: number;
}

export type OpenParquet = (files: ReadonlyFileSystem, path: string) => Promise<ParquetReader>;

/**
 * A parquet file of a Hugging Face image dataset, its columns found. A damaged file may keep the
 * decoder busy without end or make it ask for any amount of memory: read files of others where
 * that can be stopped.
 */
export class ParquetFile implements ParquetReader {
  readonly path: string;
  readonly groups: readonly RowGroup[];
  readonly classNames: readonly string[] | undefined;
  readonly #rows: number;
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #imageColumn: string;
  readonly #labelColumn: string;

  private constructor(path: string, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path;
    this.#buffer = buffer;
    this.#metadata = metadata;
    const groups: RowGroup[] = [];
    let start = 0;
    for (const { num_rows: rows } of metadata.row_groups) {
      const end = start + Math.max(0, Number(rows));
      groups.push({ start, end });
      start = end;
    }
    if (start > mostRows) {
      throw unreadableParquet(path, `it claims ${start} rows; at most ${mostRows} are read`);
    }
    if (start !== Number(metadata.num_rows)) {
      throw unreadableParquet(path, "the row counts contradict each other");
    }
    this.groups = groups;
    this.#rows = start;
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

  async labels(): Promise<string[]> {
    const values = await this.#read(this.#labelColumn, 0, this.#rows);
    return values.map((value, row) => {
      const name = this.#className(value);
      if (name !== undefined) return name;
      throw unreadableParquet(`${this.path}#${row}`, "the label is neither a number nor text");
    });
  }

  async pictures({ start, end }: RowGroup): Promise<(Uint8Array | undefined)[]> {
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
      if (rows.length !== rowEnd - rowStart) throw unreadableParquet(this.path, "rows are missing");
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
    throw unreadableParquet(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}
