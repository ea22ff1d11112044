import { type Geometry, plainGeometry } from "../data/preprocess.ts";
import type { RunRecord } from "./record.ts";

type Input = Pick<RunRecord["model"], "inputSize" | "shorterSide" | "interpolation">;

const kernels = { bilinear: "linear", bicubic: "cubic", nearest: "nearest", lanczos: "lanczos3" };

/** What a square picture is resized to, and the part of it that the network sees, in pixels. */
function geometryOf({ inputSize: [width, height], shorterSide }: Input): Geometry {
  return plainGeometry(
    shorterSide === null
      ? { width, height, fit: "squash" }
      : { width, height, fit: "crop", resize: shorterSide },
    1,
    1,
  );
}

/** Fifteen lines that run `model.onnx` in Node with ONNX Runtime and sharp. */
export function nodeSnippet(input: Input): string {
  const [width, height] = input.inputSize;
  const resized = geometryOf(input);
  const kernel = kernels[input.interpolation];
  const resize =
    input.shorterSide === null
      ? `.resize(${width}, ${height}, { fit: "fill", kernel: "${kernel}" })`
      : `.resize(${resized.width}, ${resized.height}, { fit: "cover", kernel: "${kernel}" })
  .extract({ left: ${resized.crop.left}, top: ${resized.crop.top}, width: ${width}, height: ${height} })`;
  return `import * as ort from "onnxruntime-node";
import sharp from "sharp";

const session = await ort.InferenceSession.create("model.onnx");
const pixels = await sharp("picture.jpg").autoOrient().flatten({ background: "#fff" })
  .toColourspace("srgb")
  ${resize}
  .raw().toBuffer();
const area = ${width} * ${height};
const input = Float32Array.from({ length: 3 * area }, (_, i) =>
  pixels[(i % area) * 3 + Math.floor(i / area)]);
const { probabilities } = await session.run({
  image: new ort.Tensor("float32", input, [1, 3, ${height}, ${width}]) });
console.log(probabilities.data);`;
}

/** The same in a browser with onnxruntime-web and a canvas. */
export function browserSnippet(input: Input): string {
  const [width, height] = input.inputSize;
  const resized = geometryOf(input);
  const source =
    input.shorterSide === null
      ? "0, 0, picture.width, picture.height"
      : "(picture.width - w) / 2, (picture.height - h) / 2, w, h";
  const crop =
    input.shorterSide === null
      ? ""
      : `const unit = Math.min(picture.width / ${resized.width}, picture.height / ${resized.height});
const [w, h] = [${width} * unit, ${height} * unit];
`;
  return `import * as ort from "onnxruntime-web";

const session = await ort.InferenceSession.create("model.onnx");
const picture = await createImageBitmap(file);
${crop}const context = new OffscreenCanvas(${width}, ${height}).getContext("2d");
context.fillStyle = "#fff";
context.fillRect(0, 0, ${width}, ${height});
context.drawImage(picture, ${source}, 0, 0, ${width}, ${height});
const { data } = context.getImageData(0, 0, ${width}, ${height});
const area = ${width} * ${height};
const input = Float32Array.from({ length: 3 * area }, (_, i) =>
  data[(i % area) * 4 + Math.floor(i / area)]);
const { probabilities } = await session.run({
  image: new ort.Tensor("float32", input, [1, 3, ${height}, ${width}]) });
console.log(probabilities.data);`;
}
