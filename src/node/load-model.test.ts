import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ThawError } from "../errors.ts";
import { buildMobileNetV3 } from "../models/mobilenet-v3.ts";
import { readSafetensors, writeSafetensors } from "../models/safetensors.ts";
import { externalData } from "./external-data.ts";
import { loadPretrained } from "./load-model.ts";

const fixtures = fileURLToPath(new URL("../../test/fixtures/", import.meta.url));
const shared = fileURLToPath(new URL("../../../shared/models/", import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thaw-model-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe("loadPretrained", () => {
  it("reads an ONNX file and says what it assumes", async () => {
    const notices: string[] = [];
    const found = await loadPretrained(join(fixtures, "golden/resnet.onnx"), {
      notice: (text) => notices.push(text),
    });
    expect(found.name).toBe("resnet");
    expect(found.preprocessing.mean).toEqual([0.485, 0.456, 0.406]);
    expect(found.provenance.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(notices.join()).toContain("ImageNet");
    expect(found.model.graph.inputs[0]?.shape).toEqual(["batch", 3, "height", "width"]);
  });

  it("builds a network from torchvision's weights", async () => {
    const { tensors } = readSafetensors(
      await readFile(join(fixtures, "mobilenet_v3_narrow.safetensors")),
    );
    const weights = new Map(
      [...tensors]
        .filter(([name]) => name.startsWith("large/"))
        .map(([name, t]) => [name.slice(6), t]),
    );
    await writeFile(join(folder, "net.safetensors"), writeSafetensors(weights));
    const found = await loadPretrained(folder);
    expect(found.name).toBe("MobileNetV3-Large");
    expect(found.model.graph.nodes.length).toBe(buildMobileNetV3(weights).model.graph.nodes.length);
  });

  it.skipIf(!existsSync(shared))(
    "takes preprocessing from beside the file (skipped without ../shared/models)",
    async () => {
      const found = await loadPretrained(join(shared, "squeezenet1_1"));
      expect(found.preprocessing).toMatchObject({ width: 227, height: 227, fit: "squash" });
      expect(found.preprocessing.std[0]).toBeCloseTo(1 / 255, 8);
    },
  );

  it.each<[string, string, () => Promise<string>]>([
    ["node/no-model", "a path that is not there", async () => join(folder, "nothing.onnx")],
    ["node/no-model", "a folder without a model", async () => folder],
    [
      "onnx/not-onnx",
      "a file that is no model",
      async () => {
        await writeFile(join(folder, "a.onnx"), "<html>not found</html>");
        return join(folder, "a.onnx");
      },
    ],
    [
      "models/unknown-network",
      "weights of another network",
      async () => {
        await writeFile(join(folder, "a.safetensors"), writeSafetensors(new Map()));
        return join(folder, "a.safetensors");
      },
    ],
    ["node/bad-spec", "a package without version", async () => "npm:net/model.onnx"],
  ])("gives %s for %s", async (code, _, spec) => {
    await expect(loadPretrained(await spec())).rejects.toMatchObject({ fault: { code } });
  });

  it("names the file that is wrong, and the place in it where there is one", async () => {
    const model = join(folder, "a.onnx");
    const where = async () => {
      const thrown = await loadPretrained(model).catch((cause) => cause);
      return thrown instanceof ThawError ? thrown.fault.where : thrown;
    };
    await writeFile(model, "<html>not found</html>");
    expect(await where()).toBe(model);
    const whole = await readFile(join(fixtures, "golden/resnet.onnx"));
    await writeFile(model, whole.subarray(0, 1000));
    expect(await where()).toMatch(/a\.onnx: ./);
    await writeFile(model, whole);
    const config = join(folder, "preprocessor_config.json");
    await writeFile(config, '{"image_mean": [0, 0, 0], "image_std": [0, 0, 0]}');
    expect(await where()).toBe(`${config}: image_std`);
  });
});

describe("externalData", () => {
  it("reads inside the model's folder only, links included", async () => {
    const inside = join(folder, "model");
    await mkdir(inside);
    await writeFile(join(inside, "weights.bin"), Uint8Array.of(1, 2, 3, 4));
    await writeFile(join(folder, "secret.bin"), Uint8Array.of(9));
    await symlink(join(folder, "secret.bin"), join(inside, "link.bin"));
    const data = externalData(join(inside, "model.onnx"));
    expect(await data.read("weights.bin", 1, 2)).toEqual(Uint8Array.of(2, 3));
    const code = (name: string) => ({ fault: { code: `node/${name}` } });
    await expect(data.read("weights.bin", 3, 2)).rejects.toMatchObject(code("external-range"));
    await expect(data.read("gone.bin", 0, 1)).rejects.toMatchObject(code("external-missing"));
    await expect(data.read("../secret.bin", 0, 1)).rejects.toMatchObject(code("outside-folder"));
    await expect(data.read("link.bin", 0, 1)).rejects.toMatchObject(code("outside-folder"));
  });
});
