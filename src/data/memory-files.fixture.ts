import { ThawError } from "../errors.ts";
import type { Entry, ReadonlyFileSystem } from "./readonly-file-system.ts";

/** A file system of names and texts. */
export function memoryFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
): ReadonlyFileSystem {
  const bytes = (path: string): Uint8Array<ArrayBuffer> => {
    const content = files[path];
    if (content === undefined) {
      throw new ThawError({ code: "data/missing", what: "missing", where: path, next: "" });
    }
    return typeof content === "string" ? new TextEncoder().encode(content) : content.slice();
  };
  return {
    root: "/set",
    async list(folder) {
      const prefix = folder === "" ? "" : `${folder}/`;
      const entries = new Map<string, Entry>();
      for (const path of Object.keys(files).filter((name) => name.startsWith(prefix))) {
        const [name = "", ...rest] = path.slice(prefix.length).split("/");
        const kind = rest.length > 0 ? "folder" : "file";
        entries.set(name, {
          name,
          kind,
          ...(kind === "folder" ? { identity: prefix + name } : {}),
        });
      }
      return [...entries.values()].reverse();
    },
    size: async (file) => bytes(file).length,
    read: async (file, start = 0, end) => bytes(file).slice(start, end),
  };
}
