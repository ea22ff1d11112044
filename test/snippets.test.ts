import { execFile } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { plainGeometry } from "../src/data/preprocess.ts";
import { imagenetPreprocessing } from "../src/models/preprocessing.ts";
import { decodePicture } from "../src/node/picture-decoder.ts";
import { picture, temporaryFolder } from "../src/node/pictures.fixture.ts";
import { GraphBuilder } from "../src/onnx/build.ts";
import { modelOf } from "../src/onnx/models.fixture.ts";
import { writeModel } from "../src/onnx/write.ts";
import { browserSnippet, nodeSnippet } from "../src/report/snippets.ts";

/** What a script prints, run beside these files and, where it needs them, the real packages. */
async function printed(
  script: string,
  files: Readonly<Record<string, Uint8Array | string>>,
  packages?: string,
): Promise<string> {
  const { root, remove } = await temporaryFolder({ ...files, "use.mjs": script });
  try {
    if (packages !== undefined) await symlink(packages, join(root, "node_modules"));
    const run = promisify(execFile);
    return (await run(process.execPath, ["use.mjs"], { cwd: root })).stdout;
  } finally {
    await remove();
  }
}

/** How pictures are prepared for a network of this size, and what a report says of it. */
function network(width: number, height: number) {
  const to = imagenetPreprocessing({ width, height });
  const inputSize: [number, number] = [width, height];
  const shorterSide = to.resize ?? null;
  return { to, input: { inputSize, shorterSide, interpolation: to.interpolation } };
}

/** A network whose probabilities are the pixels it is given. */
function mirror(width: number, height: number): Uint8Array {
  const build = new GraphBuilder(["image"]);
  build.add("Identity", ["image"], {}, { output: "probabilities" });
  const info = (name: string) =>
    ({ name, type: "float32", shape: ["batch", 3, height, width] }) as const;
  return writeModel(modelOf(build.build("mirror", [info("image")], [info("probabilities")])));
}

it.each([
  [6, 4],
  [4, 6],
])("in Node a %i x %i network gets the pixels that Thaw gives it", async (width, height) => {
  const { to, input } = network(width, height);
  const bytes = await picture(1, 28, 28).png().toBuffer();
  const out = await printed(
    nodeSnippet(input),
    { "picture.jpg": bytes, "model.onnx": mirror(width, height) },
    resolve(import.meta.dirname, "../node_modules"),
  );
  const { data } = await decodePicture(bytes, (w, h) => plainGeometry(to, w, h), "bilinear", "x");
  const planes = [0, 1, 2].map((channel) => data.filter((_, at) => at % 3 === channel));
  const given: number[] = JSON.parse(out.slice(out.indexOf("[")));
  expect(given).toEqual(planes.flatMap((plane) => [...plane]));
});

/** As much of a browser as tells where a canvas takes a picture's pixels from. */
const browser = `
globalThis.createImageBitmap = async (file) => file;
globalThis.OffscreenCanvas = class {
  getContext() {
    const drawImage = (_, ...where) => {
      console.log(JSON.stringify(where));
      process.exit();
    };
    return { fillRect() {}, drawImage };
  }
};
`;

it.each([
  [300, 200],
  [200, 300],
])(
  "in a browser a network that is not square sees of a %i x %i picture what Thaw shows it",
  async (width, height) => {
    const { to, input } = network(320, 224);
    const out = await printed(
      `globalThis.file = { width: ${width}, height: ${height} };${browser}${browserSnippet(input)}`,
      {
        "node_modules/onnxruntime-web/package.json": `{ "type": "module", "main": "index.js" }`,
        "node_modules/onnxruntime-web/index.js":
          "export const InferenceSession = { create: async () => undefined };",
      },
    );
    const resized = plainGeometry(to, width, height);
    const scale = resized.width / width;
    const [left = 0, top = 0, wide = 0, high = 0, ...target]: number[] = JSON.parse(out);
    const { crop } = resized;
    const expected = [crop.left, crop.top, crop.width, crop.height];
    [left, top, wide, high].forEach((value, at) => {
      expect(Math.abs(value * scale - (expected[at] ?? Number.NaN))).toBeLessThanOrEqual(1);
    });
    expect(target).toEqual([0, 0, 320, 224]);
  },
);
