import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it, vi } from "vitest";
import { describe } from "../models/metadata.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { temporaryFolder } from "../node/pictures.fixture.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { evaluate } from "./evaluate.ts";

it("refuses pictures of which none can be read, before it opens a session", async () => {
  const { root, remove } = await temporaryFolder({
    "pictures/a/1.png": "no picture",
    "pictures/b/1.png": "no picture",
  });
  const network = resolve(import.meta.dirname, "../../test/fixtures/golden/resnet.onnx");
  const model = join(root, "model.onnx");
  const described = describe(await readModel(new Uint8Array(await readFile(network))), {
    labels: ["a", "b"],
    preprocessing: {
      ...{ width: 32, height: 32, fit: "squash", interpolation: "bilinear", channels: "rgb" },
      ...{ mean: [0, 0, 0], std: [1, 1, 1] },
    },
  });
  await writeFile(model, writeModel(described));
  const opened = vi.spyOn(onnxRuntime, "open");
  await expect(evaluate(model, join(root, "pictures"))).rejects.toMatchObject({
    fault: { code: "data/no-pictures", next: expect.stringContaining("Thaw reads JPEG") },
  });
  expect(opened).not.toHaveBeenCalled();
  await expect(evaluate(network, join(root, "pictures"))).rejects.toMatchObject({
    fault: { code: "job/not-a-result" },
  });
  opened.mockRestore();
  await remove();
});
