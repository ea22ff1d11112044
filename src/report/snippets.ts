import type { RunRecord } from "./record.ts";

type Input = Pick<RunRecord["model"], "inputSize" | "shorterSide" | "interpolation">;

const kernels = { bilinear: "linear", bicubic: "cubic", nearest: "nearest", lanczos: "lanczos3" };

/** Fifteen lines that run `model.onnx` in Node with ONNX Runtime and sharp. */
export function nodeSnippet({
  inputSize: [width, height],
  shorterSide,
  interpolation,
}: Input): string {
  const kernel = kernels[interpolation];
  const resize =
    shorterSide === null
      ? `.resize(${width}, ${height}, { fit: "fill", kernel: "${kernel}" })`
      : `.resize(${shorterSide}, ${shorterSide}, { fit: "cover", kernel: "${kernel}" })
  .extract({ left: ${Math.floor((shorterSide - width) / 2)}, top: ${Math.floor((shorterSide - height) / 2)}, width: ${width}, height: ${height} })`;
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
export function browserSnippet({ inputSize: [width, height], shorterSide }: Input): string {
  const source =
    shorterSide === null
      ? "0, 0, picture.width, picture.height"
      : "(picture.width - w) / 2, (picture.height - h) / 2, w, h";
  const crop =
    shorterSide === null
      ? ""
      : `const unit = Math.min(picture.width, picture.height) / ${shorterSide};
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
