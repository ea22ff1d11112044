import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { findCard } from "../node/cards.ts";
import { classFolders, temporaryFolder } from "../node/pictures.fixture.ts";
import { makeCard } from "./make-card.ts";

const golden = resolve(import.meta.dirname, "../../test/fixtures/golden");

it("keeps the cards of two networks of one name apart", async () => {
  const files = await classFolders(["pictures/a", "pictures/b"], 50, 16);
  const { root, remove } = await temporaryFolder(files);
  const out = join(root, "cards");
  const card = async (model: string) => {
    await mkdir(join(root, model));
    await copyFile(join(golden, model), join(root, model, "net.onnx"));
    const options = {
      model: join(root, model, "net.onnx"),
      sample: "blobs",
      command: "test",
      seed: 0,
    };
    return (await makeCard(join(root, "pictures"), { ...options, out })).card;
  };
  const cards = [await card("resnet.onnx"), await card("mobilenet_v2.onnx")];
  expect(cards[0]?.model).toBe(cards[1]?.model);
  expect(await readdir(out)).toHaveLength(2);
  for (const { modelSha256 } of cards) {
    expect(await findCard(modelSha256, [out])).toMatchObject({ modelSha256 });
  }
  await remove();
});
