import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { buildMobileNetV3 } from "../models/mobilenet-v3.ts";
import { parseHubSpec } from "../models/model-spec.ts";
import { readSafetensors } from "../models/safetensors.ts";
import { writeModel } from "../onnx/write.ts";
import { fetchHub } from "./fetch-hub.ts";
import { loadPretrained } from "./load-model.ts";

const COMMIT = "c0ffee".padEnd(40, "0");
type Files = Readonly<Record<string, Uint8Array>>;
type Answer = (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => boolean;

/** A server that speaks the part of the hub's protocol a download needs. */
function hub(files: Files, answer: Answer = () => false, digests = true): Server {
  return createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://hub");
    if (url.pathname.startsWith("/api/models/org/net/revision/")) {
      const info = { _id: "1", id: "org/net", sha: COMMIT, private: false, gated: false };
      return response.end(
        JSON.stringify({ ...info, downloads: 0, likes: 0, lastModified: "2024-01-01" }),
      );
    }
    if (url.pathname === `/api/models/org/net/tree/${COMMIT}`) {
      const entries = Object.entries(files).map(([path, body]) => ({
        type: "file",
        path,
        size: body.length,
        ...(digests
          ? { oid: createHash("sha1").update(`blob ${body.length}\0`).update(body).digest("hex") }
          : {}),
        ...(path.endsWith(".json") || !digests
          ? {}
          : {
              lfs: {
                oid: createHash("sha256").update(body).digest("hex"),
                size: body.length,
                pointerSize: 130,
              },
            }),
      }));
      return response.end(JSON.stringify(entries));
    }
    const body = files[decodeURIComponent(url.pathname.split(`/resolve/${COMMIT}/`)[1] ?? "")];
    if (body === undefined) return response.writeHead(404).end();
    response.setHeader("ETag", '"tag"');
    if (answer(request, response, body)) return;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (range === null) return response.end(body);
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), body.length - 1)];
    response.setHeader("Content-Range", `bytes ${from}-${to}/${body.length}`);
    response.writeHead(206).end(body.subarray(from, to + 1));
  });
}

const weights = new Map(
  [
    ...readSafetensors(
      await readFile(
        new URL("../../test/fixtures/mobilenet_v3_narrow.safetensors", import.meta.url),
      ),
    ).tensors,
  ]
    .filter(([name]) => name.startsWith("small/"))
    .map(([name, tensor]) => [name.slice(6), tensor]),
);
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const model = writeModel(buildMobileNetV3(weights).model);
const repository: Files = {
  "onnx/model.onnx": model,
  "preprocessor_config.json": json({
    size: { height: 64, width: 48 },
    image_mean: [0.5],
    image_std: [0.5],
  }),
  "config.json": json({ id2label: { 0: "a", 1: "b", 2: "c", 3: "d", 4: "e" } }),
  "pytorch_model.bin": new Uint8Array(10),
};

let cache: string;
let server: Server | undefined;

async function serve(files: Files, answer?: Answer): Promise<void> {
  await listen(hub(files, answer));
}

async function listen(started: Server): Promise<void> {
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const address = started.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  vi.stubEnv("HF_ENDPOINT", `http://127.0.0.1:${address.port}`);
}

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "thaw-hub-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
  await rm(cache, { recursive: true, force: true });
});

const isWhole = (request: IncomingMessage) => request.headers.range !== "bytes=0-0";

/** What there is of a download in progress. */
async function partBytes(): Promise<number> {
  const parts = join(cache, "parts");
  const names = await readdir(parts, { recursive: true }).catch(() => []);
  const part = names.find((name) => basename(name) === "part");
  return part === undefined ? 0 : (await stat(join(parts, part))).size;
}

async function cached(): Promise<string[]> {
  const names = await readdir(join(cache, "models"), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith(".onnx"));
}

/**
 * Sends the model's first 5000 bytes at the first request and what is asked for at later ones.
 * @param sent is called when the 5000 bytes are on their way
 * @returns the ranges asked for, as they come
 */
async function serveInTwo(sent: (response: ServerResponse) => void = () => undefined) {
  const ranges: (string | undefined)[] = [];
  await serve(repository, (request, response, body) => {
    if (body !== model || !isWhole(request)) return false;
    ranges.push(request.headers.range);
    if (ranges.length > 1) return false;
    response.writeHead(200, { "Content-Length": body.length });
    response.write(body.subarray(0, 5000), () => sent(response));
    return true;
  });
  return ranges;
}

describe("a model on the hub", () => {
  it("is found, described by the files beside it, and works offline afterwards", async () => {
    await serve(repository);
    const first = await loadPretrained("hf:org/net", { cache });
    expect(first.labels).toEqual(["a", "b", "c", "d", "e"]);
    expect(first.preprocessing).toMatchObject({ width: 48, height: 64, fit: "squash" });
    server?.closeAllConnections();
    server?.close();
    const second = await loadPretrained("hf:org/net", { cache });
    expect(second.provenance).toEqual(first.provenance);
  });

  it("goes on where a cut download stopped", async () => {
    const ranges = await serveInTwo((response) => setTimeout(() => response.destroy(), 50));
    await loadPretrained("hf:org/net", { cache });
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toBe(`bytes=5000-${model.length - 1}`);
  });

  it("lets two fetches at once both succeed, and leaves no parts", async () => {
    await serve(repository);
    const [first, second] = await Promise.all([
      loadPretrained("hf:org/net", { cache }),
      loadPretrained("hf:org/net", { cache }),
    ]);
    expect(second.provenance).toEqual(first.provenance);
    expect(await readdir(join(cache, "parts"))).toEqual([]);
  });

  it.each<[string, string, Answer]>([
    [
      "node/wrong-checksum",
      "other bytes of the right length",
      (request, response, body) => {
        if (body !== model || !isWhole(request)) return false;
        response.end(new Uint8Array(body.length));
        return true;
      },
    ],
    [
      "node/download-failed",
      "more than was announced",
      (request, response, body) => {
        if (body !== model || !isWhole(request)) return false;
        response.end(new Uint8Array(body.length * 2));
        return true;
      },
    ],
    [
      "node/download-failed",
      "a redirect loop",
      (request, response) => {
        response.writeHead(302, { Location: request.url ?? "/" }).end();
        return true;
      },
    ],
    [
      "node/download-failed",
      "an error",
      (_, response) => {
        response.writeHead(500).end();
        return true;
      },
    ],
  ])("gives %s for %s, and leaves nothing half-installed", async (code, _, answer) => {
    await serve(repository, answer);
    await expect(loadPretrained("hf:org/net", { cache })).rejects.toMatchObject({
      fault: { code },
    });
    expect(await cached()).toEqual([]);
  });

  it("gives up on a server that stops sending", async () => {
    await serve(repository, (request, response, body) => {
      if (body !== model || !isWhole(request)) return false;
      response.writeHead(200, { "Content-Length": body.length });
      response.write(body.subarray(0, 100));
      return true;
    });
    const into = await mkdtemp(join(cache, "into-"));
    await expect(
      fetchHub(parseHubSpec("hf:org/net"), into, { cache, stallMs: 200 }),
    ).rejects.toMatchObject({ fault: { code: "node/download-failed" } });
    expect(await readdir(into)).toEqual([]);
  });

  it("gives up on a server that does not answer", async () => {
    const silent = createServer(() => undefined);
    await listen(silent);
    const into = await mkdtemp(join(cache, "into-"));
    await expect(
      fetchHub(parseHubSpec("hf:org/net"), into, { cache, stallMs: 200 }),
    ).rejects.toMatchObject({ fault: { code: "node/download-failed" } });
  });

  it("goes on where an earlier attempt was given up", async () => {
    const ranges = await serveInTwo();
    const into = await mkdtemp(join(cache, "into-"));
    const control = new AbortController();
    const given = fetchHub(parseHubSpec("hf:org/net"), into, { cache, signal: control.signal });
    await vi.waitFor(async () => expect(await partBytes()).toBe(5000));
    control.abort(new Error("enough"));
    await expect(given).rejects.toThrow();
    await loadPretrained("hf:org/net", { cache });
    expect(ranges).toEqual([undefined, `bytes=5000-${model.length - 1}`]);
  });

  it("watches for a stop once a file, not once a chunk", async () => {
    await serve({ "big.onnx": new Uint8Array(8 * 2 ** 20) });
    const into = await mkdtemp(join(cache, "into-"));
    const listened = vi.spyOn(AbortSignal.prototype, "addEventListener");
    await fetchHub(parseHubSpec("hf:org/net/big.onnx"), into, { cache });
    const times = listened.mock.calls.length;
    listened.mockRestore();
    expect((await stat(join(into, "big.onnx"))).size).toBe(8 * 2 ** 20);
    expect(times).toBeLessThan(32);
  });

  it("takes no file that nothing can be checked against", async () => {
    await listen(hub(repository, undefined, false));
    await expect(loadPretrained("hf:org/net", { cache })).rejects.toMatchObject({
      fault: { code: "node/no-checksum" },
    });
    expect(await cached()).toEqual([]);
  });

  it("says what a repository without a model lacks", async () => {
    await serve({ "pytorch_model.bin": new Uint8Array(3) });
    await expect(loadPretrained("hf:org/net", { cache })).rejects.toMatchObject({
      fault: { code: "node/not-in-repository" },
    });
  });
});
