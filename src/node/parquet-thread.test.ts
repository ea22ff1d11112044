import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, it } from "vitest";
import { randomFor } from "../data/random.ts";
import { ThawError } from "../errors.ts";
import { openDataset } from "./open-dataset.ts";
import { openParquetThread } from "./parquet-thread.ts";
import { temporaryFolder } from "./pictures.fixture.ts";

const labels = [1, 0, 1, 1, 0];
const whole = new Uint8Array(
  parquetWriteBuffer({
    schema: [
      { name: "root", num_children: 2 },
      { name: "image", num_children: 2, repetition_type: "OPTIONAL" },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: "label", type: "INT64", repetition_type: "OPTIONAL" },
    ],
    columnData: [
      {
        name: "image",
        data: labels.map((_, i) => ({
          bytes: new TextEncoder().encode(`picture ${i}`),
          path: `${i}.png`,
        })),
      },
      { name: "label", data: labels.map((label) => BigInt(label)) },
    ],
    rowGroupSize: 2,
  }),
);

/** A file with these bytes changed. */
function damaged(changes: readonly (readonly [at: number, value: number])[]): Uint8Array {
  const bytes = whole.slice();
  for (const [at, value] of changes) bytes[at] = value;
  return bytes;
}

async function readAll(bytes: Uint8Array, deadlineMs: number): Promise<number> {
  const { root, remove } = await temporaryFolder({ "a.parquet": bytes });
  try {
    const file = await openParquetThread(root, "a.parquet", deadlineMs);
    for (const group of file.groups) await file.pictures(group);
    return (await file.labels()).length;
  } finally {
    await remove();
  }
}

it("reads labels and pictures as the file holds them", async () => {
  const { root, remove } = await temporaryFolder({ "a.parquet": whole });
  const file = await openParquetThread(root, "a.parquet");
  expect(await file.labels()).toEqual(["1", "0", "1", "1", "0"]);
  const [first] = await file.pictures({ start: 2, end: 4 });
  expect(new TextDecoder().decode(first)).toBe("picture 2");
  expect((await openDataset(join(root, "a.parquet"))).dataset.samples.length).toBe(5);
  await remove();
});

it("stops a file that would keep the decoder busy without end", async () => {
  // An encoding left out of a page header makes the decoder lose its place.
  await expect(readAll(damaged([[17, 129]]), 4000)).rejects.toMatchObject({
    fault: { code: "data/parquet-unreadable", where: "a.parquet" },
  });
});

it("ends in contents or a typed error, whatever bytes are damaged", async () => {
  const random = randomFor("damage", 1);
  const files = Array.from({ length: 10 }, () =>
    damaged(
      Array.from({ length: random.integer(1, 3) }, () => [
        random.integer(0, whole.length - 1),
        random.integer(0, 255),
      ]),
    ),
  );
  const results = await Promise.allSettled(files.map((bytes) => readAll(bytes, 8000)));
  for (const result of results) {
    if (result.status === "rejected") expect(result.reason).toBeInstanceOf(ThawError);
  }
});
