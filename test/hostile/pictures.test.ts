import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { TrainResult } from "../../src/job/result.ts";
import { train } from "../../src/job/train.ts";
import { tinyPicture, ways, writeTinyTask } from "../crash/tiny-task.fixture.ts";

vi.setConfig({ testTimeout: 120_000 });

/** A PNG of a few bytes whose header claims these dimensions. */
function bomb(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const out = Buffer.alloc(8 + body.length);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), 4 + body.length);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(1 << 16))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

/** Names that have broken programs; all of them are legal on Linux. */
const strangeNames = [
  "line\nbreak.png",
  "-rf.png",
  "--out=elsewhere.png",
  "a...png",
  "a..b.png",
  "🦊 emoji 🦊.png",
  "' OR 1=1 --.png",
  "=cmd|' C calc'!A0.png",
  "<img src=x onerror=alert(1)>.png",
  "%2e%2e%2fetc.png",
  "con.png",
  "\u202egnp.exe.png",
];

let folder: string;
let result: TrainResult;
const says: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-hostile-"));
  const task = await writeTinyTask(folder);
  const strange = join(task.pictures, "<b>class\n-x");
  await mkdir(strange);
  for (const [number, name] of strangeNames.entries()) {
    await writeFile(join(strange, name), await tinyPicture(3, number));
  }
  const whole = await tinyPicture(0, 90, 64);
  const cmyk = sharp(await tinyPicture(0, 91))
    .toColourspace("cmyk")
    .jpeg();
  const frames = await Promise.all([92, 93].map((number) => tinyPicture(1, number)));
  const hostile: Record<string, Buffer | string> = {
    "bomb.png": bomb(100_000, 100_000),
    "flat bomb.png": bomb(2_000_000_000, 1),
    "cut.png": whole.subarray(0, whole.length / 2),
    "empty.png": "",
    "script.png": '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "vector.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "page.jpg": "<!doctype html><script>alert(1)</script>",
    "program.png": Buffer.concat([Buffer.from("MZ"), whole]),
    // A sound PNG with a script behind it is a picture, and nothing else of it is ever used.
    "polyglot.png": Buffer.concat([
      await tinyPicture(0, 94),
      Buffer.from("<script>alert(1)</script>"),
    ]),
    "cmyk.jpg": await cmyk.toBuffer(),
    "animated.gif": await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer(),
  };
  for (const [name, content] of Object.entries(hostile)) {
    await writeFile(join(task.pictures, "class 0", name), content);
  }
  result = await train(
    task.pictures,
    { ...ways(task).head, out: join(folder, "run") },
    { onEvent: (event) => event.kind === "note" && says.push(event.says) },
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("lists what cannot be read, by name and reason, and trains on the rest", () => {
  const unreadable = new Map(result.audit.unreadable.shown.map(({ id, why }) => [id, why]));
  expect([...unreadable.keys()].sort()).toEqual(
    ["bomb", "cut", "empty", "flat bomb", "program", "script"]
      .map((name) => `class 0/${name}.png`)
      .concat("class 0/page.jpg")
      .sort(),
  );
  expect(unreadable.get("class 0/bomb.png")).toMatch(/pixel/i);
  expect(says.join()).toContain("7 pictures cannot be read");
  expect(result.audit.ignored.shown).toContainEqual(
    expect.objectContaining({ path: "class 0/vector.svg" }),
  );
});

it("takes polyglot, CMYK and animated files as the pictures they are", () => {
  expect(result.images).toBe(3 * 16 + strangeNames.length + 3);
  expect(result.audit.modes).toMatchObject({ CMYK: 1 });
});

it("keeps every strange name as it is, as text", async () => {
  const splits = JSON.parse(await readFile(join(result.run, "splits.json"), "utf8"));
  const paths = splits.map(({ path }: { path: string }) => path);
  for (const name of strangeNames) expect(paths).toContain(`<b>class\n-x/${name}`);
  expect(result.classes.map(({ name }) => name)).toContain("<b>class\n-x");
});
