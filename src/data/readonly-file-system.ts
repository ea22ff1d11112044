/** One name in a folder; symbolic links stand for what they point to. */
export interface Entry {
  readonly name: string;
  /** `broken` is a link to nothing or to itself, a socket, a device, a folder that may not be read. */
  readonly kind: "file" | "folder" | "broken";
  /** Equal for two folders exactly when they are the same one; tells link loops. */
  readonly identity?: string;
}

/** Read access to one folder. Every path is relative to `root`, separated by `/`; `""` is the root. */
export interface ReadonlyFileSystem {
  /** Absolute path, for messages and for absolute paths in manifests. */
  readonly root: string;
  /** @throws ThawError `data/missing`, `data/not-a-folder`, `data/no-access` */
  list(folder: string): Promise<readonly Entry[]>;
  /** Size of a file in bytes. @throws ThawError as `read` */
  size(file: string): Promise<number>;
  /**
   * Bytes `start` up to, not including, `end`; the whole file when both are absent.
   * @throws ThawError `data/missing`, `data/not-a-file`, `data/no-access`, `data/too-large`
   */
  read(file: string, start?: number, end?: number): Promise<Uint8Array<ArrayBuffer>>;
}
