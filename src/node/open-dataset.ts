import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { getHeapStatistics } from "node:v8";
import { type ReadDataset, readDataset } from "../data/read-dataset.ts";
import { requireRoom } from "../data/trainable.ts";
import { explain, openFolder } from "./file-system.ts";
import { openParquetThread } from "./parquet-thread.ts";

/**
 * The dataset a path names: a folder, or a manifest or parquet file with its pictures.
 * @throws ThawError `data/missing`, `data/too-many-pictures` and everything `readDataset` throws
 */
export async function openDataset(path: string): Promise<ReadDataset> {
  const absolute = resolve(path);
  const found = await stat(absolute).catch((cause) => {
    throw explain(cause, absolute);
  });
  const [folder, file] = found.isDirectory()
    ? [absolute, undefined]
    : [dirname(absolute), basename(absolute)];
  const read = await readDataset(openFolder(folder), file, (_, inside) =>
    openParquetThread(folder, inside),
  );
  requireRoom(read.dataset, getHeapStatistics().heap_size_limit);
  return read;
}
