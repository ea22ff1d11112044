import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, posix, resolve } from "node:path";
import { ThawError } from "../errors.ts";
import { DEFAULT_MODEL, knownModel } from "../models/catalog.ts";
import { hasFixedBatch, withDynamicBatch } from "../models/dynamic-batch.ts";
import { foldConstants } from "../models/fold-constants.ts";
import { readGguf } from "../models/gguf.ts";
import { channelsFirst, imageInput, withInputSize } from "../models/image-input.ts";
import { readDescription, withFeatures } from "../models/metadata.ts";
import { buildMobileNetV3, isMobileNetV3 } from "../models/mobilenet-v3.ts";
import { parseHubSpec, parseNpmSpec } from "../models/model-spec.ts";
import { imagenetPreprocessing, readLabels, readPreprocessing } from "../models/preprocessing.ts";
import type { Preprocessing, Pretrained } from "../models/pretrained.ts";
import { readSafetensors } from "../models/safetensors.ts";
import type { StateDict } from "../models/state-dict.ts";
import { widenHalf } from "../models/widen-half.ts";
import type { Model } from "../onnx/graph.ts";
import { readModel } from "../onnx/read.ts";
import { simplify } from "../onnx/simplify.ts";
import { elementCount, float32, type Tensor } from "../onnx/tensor.ts";
import { upgradeModel } from "../onnx/upgrade.ts";
import { writeModel } from "../onnx/write.ts";
import { CONFIG, PREPROCESSOR_CONFIG } from "./companions.ts";
import { externalData } from "./external-data.ts";
import { inFile } from "./in-file.ts";
import { type CacheOptions, cachedFolder, folderName, sha256 } from "./model-cache.ts";
import { onnxRuntime } from "./onnxruntime.ts";

export interface LoadOptions extends CacheOptions {
  /** Told what the user should know, such as an assumed preprocessing. */
  readonly notice?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Larger files could not be written back as one ONNX file. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
const MAX_CONFIG_BYTES = 8_000_000;
const extensions: ReadonlySet<string> = new Set([".onnx", ".safetensors", ".gguf"]);

/**
 * A pretrained network from a file or folder, `npm:<package>@<version>/<path>` or
 * `hf:<org>/<name>[@revision][/<path>]`; the default model without a specifier. What is fetched
 * stays in the cache and is used from there without a network.
 * @throws ThawError `node/...` where the file cannot be had, `onnx/...` and `models/...` where it
 * is no network Thaw can use
 */
export async function loadPretrained(
  spec: string = DEFAULT_MODEL.spec,
  options: LoadOptions = {},
): Promise<Pretrained> {
  const path = await pullModel(spec, options);
  const known = knownModel(spec);
  const digest = await sha256(path);
  if (known !== undefined && known.sha256 !== digest) {
    throw new ThawError({
      code: "node/wrong-checksum",
      what: "The model's file is not the one Thaw knows: its checksum differs",
      where: path,
      next: "Fetch it again with `thaw models pull`.",
      details: { expected: known.sha256, found: digest },
    });
  }
  const { model, name } = await inFile(path, async () => {
    const read = await readNetwork(path);
    const prepared = await prepare(read.model);
    const features = known?.features;
    return {
      ...read,
      model: features === undefined ? prepared : withFeatures(prepared, features),
    };
  });
  const labels =
    readDescription(model).labels ?? readLabels(await readJson(join(dirname(path), CONFIG)));
  return {
    name: known?.name ?? readDescription(model).name ?? name ?? nameOf(spec),
    // Whether another size than the declared one works shows when the network runs.
    model: withInputSize(model, { height: "height", width: "width" }),
    input: imageInput(model).name,
    preprocessing: await preprocessingOf(
      model,
      path,
      known === undefined ? options.notice : undefined,
    ),
    ...(labels === undefined ? {} : { labels }),
    provenance: {
      spec,
      sha256: digest,
      ...(known === undefined ? {} : { license: known.license }),
    },
  };
}

/**
 * The path of a model's file on this machine, fetched first where it is not here yet. What fetches
 * is loaded only then: it would add a third to the time in which a command starts.
 */
export async function pullModel(spec: string, options: LoadOptions = {}): Promise<string> {
  if (spec.startsWith("npm:")) {
    const npm = parseNpmSpec(spec);
    const key = join("npm", folderName(`${npm.name}@${npm.version}`), folderName(npm.path));
    const folder = await cachedFolder(key, options, async (into) => {
      const { fetchNpm } = await import("./fetch-npm.ts");
      return fetchNpm(npm, into, {
        integrity: knownModel(spec)?.integrity,
        signal: options.signal,
      });
    });
    return join(folder, posix.basename(npm.path));
  }
  if (spec.startsWith("hf:")) {
    const hub = parseHubSpec(spec);
    const key = join(
      "hf",
      folderName(`${hub.repo}@${hub.revision}`),
      folderName(hub.path ?? "auto"),
    );
    const folder = await cachedFolder(key, options, async (into) => {
      const { fetchHub } = await import("./fetch-hub.ts");
      return fetchHub(hub, into, options);
    });
    return findModelFile(folder);
  }
  if (/^https?:/i.test(spec)) {
    throw new ThawError({
      code: "node/bad-spec",
      what: "Web addresses are not fetched",
      where: spec,
      next: "Download the file and give its path, or use npm:<package>@<version>/<path> or hf:<org>/<name>.",
    });
  }
  return findModelFile(resolve(spec));
}

/** The model in a folder, or the file itself. */
async function findModelFile(path: string): Promise<string> {
  const found = await stat(path).catch((cause) => {
    throw new ThawError(
      {
        code: "node/no-model",
        what: "There is no such model",
        where: path,
        next: "Give a file, npm:<package>@<version>/<path> or hf:<org>/<name>; `thaw models list` shows known ones.",
      },
      cause,
    );
  });
  if (!found.isDirectory()) return path;
  const files = (await readdir(path)).filter((name) => extensions.has(extname(name)));
  const [first, ...more] = files.includes("model.onnx") ? ["model.onnx"] : files.sort();
  if (first === undefined || more.length > 0) {
    throw new ThawError({
      code: "node/no-model",
      what: first === undefined ? "This folder holds no model" : "This folder holds several models",
      where: path,
      next: "Give the path of one .onnx, .safetensors or .gguf file.",
    });
  }
  return join(path, first);
}

async function readNetwork(path: string): Promise<{ model: Model; name?: string }> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) {
    throw new ThawError({
      code: "node/too-large",
      what: "This model's file is larger than 2 GiB",
      where: path,
      next: "Choose a smaller model.",
    });
  }
  const bytes = new Uint8Array(await readFile(path));
  switch (extname(path).toLowerCase()) {
    case ".safetensors":
      return fromStateDict(readSafetensors(bytes).tensors, path);
    case ".gguf":
      return fromStateDict(await readGguf(bytes), path);
    default:
      return { model: await readModel(bytes, externalData(path)) };
  }
}

function fromStateDict(weights: StateDict, path: string): { model: Model; name: string } {
  if (isMobileNetV3(weights)) return buildMobileNetV3(weights);
  throw new ThawError({
    code: "models/unknown-network",
    what: "This file holds weights without their network, and their names are none Thaw knows",
    where: path,
    next: "Export the network to ONNX; of bare weights, torchvision's MobileNetV3 is understood.",
  });
}

/** Brings any exporter's style to the one form the rest of Thaw works on. */
async function prepare(raw: Model): Promise<Model> {
  const upgraded = widenHalf(simplify(upgradeModel(raw)));
  const model = await foldConstants(onnxRuntime, channelsFirst(upgraded));
  imageInput(model);
  if (!hasFixedBatch(model)) return withInputSize(model);
  const freed = withDynamicBatch(model);
  await checkBatch(model, freed);
  return freed;
}

/** Two different pictures must give in one batch what the network as published gives for each. */
async function checkBatch(fixed: Model, freed: Model): Promise<void> {
  const [batch, , height, width] = imageInput(fixed).shape;
  const side = (dim: unknown) => (typeof dim === "number" ? dim : 224);
  const dims = [1, 3, side(height), side(width)];
  const count = elementCount(dims);
  const data = Float32Array.from({ length: 2 * count }, (_, at) => Math.sin(at * 0.731));
  try {
    if (batch !== 1) throw new Error(`the batch is fixed to ${batch}`);
    const both = await firstOutput(freed, float32(data, [2, ...dims.slice(1)]));
    for (const row of [0, 1]) {
      const alone = await firstOutput(
        fixed,
        float32(data.slice(row * count, (row + 1) * count), dims),
      );
      if (!isRow(both, alone, row)) throw new Error("pictures of one batch influence each other");
    }
  } catch (cause) {
    throw new ThawError(
      {
        code: "models/fixed-batch",
        what: "This network takes one picture at a time and cannot be trained on batches",
        next: "Export it again with a dynamic first dimension (PyTorch: dynamic_axes).",
      },
      cause,
    );
  }
}

async function firstOutput(model: Model, input: Tensor): Promise<Tensor | undefined> {
  const session = await onnxRuntime.open(writeModel(model));
  try {
    const outputs = await session.run({ [imageInput(model).name]: input });
    return outputs[model.graph.outputs[0]?.name ?? ""];
  } finally {
    await session.release();
  }
}

function isRow(both: Tensor | undefined, alone: Tensor | undefined, row: number): boolean {
  if (both?.type !== "float32" || alone?.type !== "float32") return false;
  if (both.data.length !== 2 * alone.data.length) return false;
  const scale = alone.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-6);
  const offset = row * alone.data.length;
  return alone.data.every((value, at) => {
    return Math.abs(value - (both.data[offset + at] ?? Number.NaN)) <= 1e-3 * scale;
  });
}

async function preprocessingOf(
  model: Model,
  path: string,
  notice: LoadOptions["notice"],
): Promise<Preprocessing> {
  const [, , height, width] = imageInput(model).shape;
  const fixed =
    typeof height === "number" && typeof width === "number" ? { width, height } : undefined;
  for (const name of [PREPROCESSOR_CONFIG, CONFIG]) {
    const companion = join(dirname(path), name);
    const json = await readJson(companion);
    const found =
      json === undefined
        ? undefined
        : await inFile(companion, () => readPreprocessing(json, fixed));
    if (found !== undefined) return found;
  }
  const own = readDescription(model).preprocessing;
  if (own !== undefined) return own;
  notice?.(
    `${basename(path)} does not say how pictures are prepared for it; assuming ImageNet's mean and standard deviation. A ${PREPROCESSOR_CONFIG} beside it would tell.`,
  );
  return imagenetPreprocessing(fixed ?? { width: 224, height: 224 });
}

async function readJson(path: string): Promise<unknown> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size > MAX_CONFIG_BYTES) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new ThawError(
      {
        code: "node/bad-json",
        what: "A file beside the model is not JSON",
        where: path,
        next: "Correct or remove it.",
      },
      cause,
    );
  }
}

/** `model.onnx` is named after its folder, every other file after itself. */
function nameOf(spec: string): string {
  const path = spec.replace(/^(npm|hf):/, "");
  const file = basename(path, extname(path));
  return file === "model" ? basename(dirname(resolve(path))) : file;
}
