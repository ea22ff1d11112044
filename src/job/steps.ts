import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { ThawError } from "../errors.ts";
import { makeFolder } from "../node/make-folder.ts";
import { errorCode, isTemporary, writeFileAtomic } from "../node/write-file.ts";

/**
 * Turns a step's result into bytes and back; `decode` throws on anything `encode` did not write.
 * Bytes are encoded in pieces, so that a large state need not be copied to be kept.
 */
export interface Codec<T> {
  encode(value: T): readonly Uint8Array[];
  decode(bytes: Uint8Array): T | Promise<T>;
}

/** A codec for JSON values that the schema describes. */
export function json<T>(schema: z.ZodType<T>): Codec<T> {
  return {
    encode: (value) => [new TextEncoder().encode(JSON.stringify(value))],
    decode: (bytes) => schema.parse(JSON.parse(new TextDecoder().decode(bytes))),
  };
}

/**
 * The finished parts of a run, kept in its `checkpoint/` folder. A run is a sequence of named
 * deterministic steps; a step that finished is never computed again, also after a crash, so a
 * killed run goes on from its last finished step and ends with the same bytes.
 */
export interface Steps {
  /** What this step returned before, or else what `compute` returns now. */
  once<T>(name: string, codec: Codec<T>, compute: () => Promise<T>): Promise<T>;
  /** Keeps the state of a step in progress; the two newest good ones are kept. */
  checkpoint<T>(name: string, codec: Codec<T>, state: T): Promise<void>;
  /** The newest undamaged state of a step in progress. */
  restore<T>(name: string, codec: Codec<T>): Promise<T | undefined>;
  /** Forgets the states in progress of a step. */
  forget(name: string): Promise<void>;
}

const magic = "thaw-checkpoint-1";

/**
 * Opens the steps kept in a folder, which is made where it is missing.
 * @param damaged is told about every file whose checksum is wrong; the file is set aside
 */
export async function openSteps(folder: string, damaged: (file: string) => void): Promise<Steps> {
  await makeFolder(folder);
  await removeTemporaries(folder);

  async function read<T>(file: string, codec: Codec<T>): Promise<T | undefined> {
    const path = join(folder, file);
    let sealed: Buffer;
    try {
      sealed = await readFile(path);
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return undefined;
      throw new ThawError(
        {
          code: "job/unreadable-checkpoint",
          what: "A checkpoint cannot be read",
          where: path,
          next: "Check the folder's permissions and the disk, then run `thaw resume` again.",
        },
        cause,
      );
    }
    const content = unseal(sealed);
    if (content !== undefined) {
      try {
        return await codec.decode(content);
      } catch {
        // A sound checksum over content of another version's form: as good as damaged.
      }
    }
    damaged(path);
    await rename(path, `${path}.damaged`);
    return undefined;
  }

  const write = async <T>(file: string, codec: Codec<T>, value: T) =>
    writeFileAtomic(join(folder, file), seal(codec.encode(value)));

  const current = (name: string) => `${name}.current`;
  const previous = (name: string) => `${name}.previous`;

  const forget = async (name: string) => {
    await rm(join(folder, current(name)), { force: true });
    await rm(join(folder, previous(name)), { force: true });
  };

  return {
    async once(name, codec, compute) {
      const done = `${name}.done`;
      const known = await read(done, codec);
      if (known !== undefined) return known;
      const value = await compute();
      await write(done, codec, value);
      await forget(name);
      return value;
    },
    async checkpoint(name, codec, state) {
      await rename(join(folder, current(name)), join(folder, previous(name))).catch((cause) => {
        if (errorCode(cause) !== "ENOENT") throw cause;
      });
      await write(current(name), codec, state);
    },
    async restore(name, codec) {
      return (await read(current(name), codec)) ?? (await read(previous(name), codec));
    },
    forget,
  };
}

async function removeTemporaries(folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    if (isTemporary(file)) await rm(join(folder, file), { force: true });
  }
}

function seal(content: readonly Uint8Array[]): readonly Uint8Array[] {
  const hash = createHash("sha256");
  for (const piece of content) hash.update(piece);
  return [Buffer.from(`${magic} ${hash.digest("hex")}\n`), ...content];
}

function unseal(sealed: Buffer): Uint8Array | undefined {
  const end = sealed.indexOf("\n");
  const [word, digest] = sealed.subarray(0, end).toString("latin1").split(" ");
  const content = new Uint8Array(sealed.subarray(end + 1));
  const sound = word === magic && digest === createHash("sha256").update(content).digest("hex");
  return sound ? content : undefined;
}
