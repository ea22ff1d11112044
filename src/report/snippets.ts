import type { RunRecord } from "./record.ts";

/** Fifteen lines that run `model.onnx` in Node with ONNX Runtime and sharp. */
export function nodeSnippet({ model }: Pick<RunRecord, "model">): string {
  const [width, height] = model.inputSize;
  return `import * as ort from "onnxruntime-node";
import sharp from "sharp";

const session = await ort.InferenceSession.create("model.onnx");
const pixels = await sharp("picture.jpg").rotate().removeAlpha().toColourspace("srgb")
  .resize(${width}, ${height}, { fit: "fill" }).raw().toBuffer();
const area = ${width} * ${height};
const input = Float32Array.from({ length: 3 * area }, (_, i) =>
  pixels[(i % area) * 3 + Math.floor(i / area)]);
const { probabilities } = await session.run({
  image: new ort.Tensor("float32", input, [1, 3, ${height}, ${width}]) });
console.log(probabilities.data);`;
}

/** The same in a browser with onnxruntime-web and a canvas. */
export function browserSnippet({ model }: Pick<RunRecord, "model">): string {
  const [width, height] = model.inputSize;
  return `import * as ort from "onnxruntime-web";

const session = await ort.InferenceSession.create("model.onnx");
const picture = await createImageBitmap(file);
const context = new OffscreenCanvas(${width}, ${height}).getContext("2d");
context.drawImage(picture, 0, 0, ${width}, ${height});
const { data } = context.getImageData(0, 0, ${width}, ${height});
const area = ${width} * ${height};
const input = Float32Array.from({ length: 3 * area }, (_, i) =>
  data[(i % area) * 4 + Math.floor(i / area)]);
const { probabilities } = await session.run({
  image: new ort.Tensor("float32", input, [1, 3, ${height}, ${width}]) });
console.log(probabilities.data);`;
}
