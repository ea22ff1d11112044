import type { RowGroup } from "../data/parquet-file.ts";
import type { Fault } from "../errors.ts";

/** What a parquet thread is asked, once: it reads one thing and ends. */
export interface ParquetJob {
  readonly root: string;
  readonly path: string;
  /** The file's labels and layout, or the pictures of a row group. */
  readonly group: RowGroup | undefined;
}

export interface ParquetContents {
  readonly classNames: readonly string[] | undefined;
  readonly groups: readonly RowGroup[];
  readonly labels: string[];
}

export type ParquetReply =
  | { readonly kind: "contents"; readonly contents: ParquetContents }
  | { readonly kind: "pictures"; readonly pictures: (Uint8Array | undefined)[] }
  | { readonly kind: "fault"; readonly fault: Fault };
