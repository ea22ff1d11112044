import { ThawError } from "../errors.ts";

/** A parquet file that is damaged, or written in a way that is not read: `data/parquet-unreadable`. */
export function unreadableParquet(where: string, why: string, cause?: unknown): ThawError {
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
