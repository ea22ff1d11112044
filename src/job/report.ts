import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ThawError } from "../errors.ts";
import { writeFileAtomic } from "../node/write-file.ts";
import { reportPage } from "../report/page.ts";
import { type RunRecord, runRecord } from "../report/record.ts";
import { runFiles } from "./run-folder.ts";

/**
 * Writes a finished run's report again and returns its path.
 * @throws ThawError `job/no-report`
 */
export async function rebuildReport(runFolder: string): Promise<string> {
  const folder = resolve(runFolder);
  let record: RunRecord;
  try {
    record = runRecord.parse(JSON.parse(await readFile(join(folder, runFiles.record), "utf8")));
  } catch (cause) {
    throw new ThawError(
      {
        code: "job/no-report",
        what: "This folder holds no finished run",
        where: folder,
        next: "Give the folder of a finished run; `thaw resume` finishes a stopped one.",
      },
      cause,
    );
  }
  const path = join(folder, runFiles.report);
  await writeFileAtomic(path, reportPage(record));
  return path;
}
