import type { Dataset, PictureSource, Sample } from "../data/dataset.ts";
import { ParquetFile } from "../data/parquet-file.ts";
import { ThawError } from "../errors.ts";
import { openFolder } from "./file-system.ts";

/** Encoded pictures larger than this are refused unread. */
const largestPicture = 1 << 29;

/**
 * Reads a dataset's encoded pictures from where they lie. Of parquet files the row group read
 * last stays in memory, so reading in order costs one pass.
 */
export function openPictures(dataset: Pick<Dataset, "root" | "layout">): PictureSource {
  const files = openFolder(dataset.root);
  if (dataset.layout === "parquet") return parquetPictures(files);
  return {
    async read(sample: Sample) {
      if ((await files.size(sample.id)) > largestPicture) {
        throw unreadable(sample.id, "the file has more than 512 MB");
      }
      return files.read(sample.id);
    },
  };
}

function parquetPictures(files: ReturnType<typeof openFolder>): PictureSource {
  const opened = new Map<string, Promise<ParquetFile>>();
  let held: { path: string; start: number; end: number; rows: Promise<(Uint8Array | undefined)[]> };
  return {
    async read(sample: Sample) {
      const hash = sample.id.lastIndexOf("#");
      const path = sample.id.slice(0, hash);
      const row = Number(sample.id.slice(hash + 1));
      const opening = opened.get(path) ?? ParquetFile.open(files, path);
      opened.set(path, opening);
      const file = await opening;
      if (held === undefined || held.path !== path || row < held.start || row >= held.end) {
        const { start, end } = file.rowGroup(row);
        held = { path, start, end, rows: file.pictures(start, end) };
      }
      const { start, rows } = held;
      const bytes = (await rows)[row - start];
      if (bytes === undefined) throw unreadable(sample.id, "the row holds no picture");
      return bytes;
    },
  };
}

function unreadable(where: string, why: string): ThawError {
  return new ThawError({
    code: "data/unreadable-picture",
    what: `The picture cannot be read: ${why}`,
    where,
    next: "Replace or remove it.",
  });
}
