import type { Dataset, PictureSource, Sample } from "../data/dataset.ts";
import type { ParquetReader, RowGroup } from "../data/parquet-file.ts";
import { ThawError } from "../errors.ts";
import { openFolder } from "./file-system.ts";
import { openParquetThread } from "./parquet-thread.ts";

/** Encoded pictures larger than this are refused unread. */
const largestPicture = 1 << 29;

/**
 * Reads a dataset's encoded pictures from where they lie. Of parquet files the row group read
 * last stays in memory, so reading in order costs one pass.
 */
export function openPictures(dataset: Pick<Dataset, "root" | "layout">): PictureSource {
  const files = openFolder(dataset.root);
  if (dataset.layout === "parquet") return parquetPictures(dataset.root);
  return {
    async read(sample: Sample) {
      if ((await files.size(sample.id)) > largestPicture) {
        throw unreadable(sample.id, "the file has more than 512 MB");
      }
      return files.read(sample.id);
    },
  };
}

function parquetPictures(root: string): PictureSource {
  const opened = new Map<string, Promise<ParquetReader>>();
  let held:
    | { path: string; group: RowGroup; rows: Promise<(Uint8Array | undefined)[]> }
    | undefined;
  return {
    async read(sample: Sample) {
      const hash = sample.id.lastIndexOf("#");
      const path = sample.id.slice(0, hash);
      const row = Number(sample.id.slice(hash + 1));
      const opening = opened.get(path) ?? openParquetThread(root, path);
      opened.set(path, opening);
      const file = await opening;
      const group = file.groups.find(({ start, end }) => row >= start && row < end);
      if (group === undefined) throw unreadable(sample.id, "there is no such row");
      if (held?.path !== path || held.group.start !== group.start) {
        held = { path, group, rows: file.pictures(group) };
      }
      const bytes = (await held.rows)[row - group.start];
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
