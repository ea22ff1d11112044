import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ThawError } from "../errors.ts";
import { openFolder } from "./file-system.ts";
import { openDataset } from "./open-dataset.ts";
import { temporaryFolder } from "./pictures.fixture.ts";

const folders: { remove(): Promise<void> }[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});

async function folder(files: Record<string, string>) {
  const made = await temporaryFolder(files);
  folders.push(made);
  return made.root;
}

async function refusal(path: string) {
  const error = await openDataset(path).catch((cause: unknown) => cause);
  if (!(error instanceof ThawError)) throw new Error(`no ThawError but ${String(error)}`);
  return error.fault.code;
}

describe("openDataset", () => {
  it("reads folders and manifests from disk, names of any kind", async () => {
    const names = ["-n.jpg", "a\nb.png", "🐜.gif"];
    const root = await folder(
      Object.fromEntries(
        names.flatMap((name) => [
          [`x/${name}`, ""],
          [`y/${name}`, ""],
        ]),
      ),
    );
    const { dataset } = await openDataset(root);
    expect(dataset.root).toBe(root);
    expect(dataset.samples).toHaveLength(6);
    const listed = await folder({ "sub/list.csv": "path,label\n-n.jpg,a\n" });
    expect((await openDataset(join(listed, "sub/list.csv"))).dataset).toMatchObject({
      root: join(listed, "sub"),
      layout: "manifest",
    });
  });

  it("follows links, reports broken ones and refuses loops", async () => {
    const root = await folder({ "a/1.jpg": "", "b/1.jpg": "", "elsewhere.txt": "" });
    const other = await folder({ "deep/2.jpg": "" });
    await symlink(join(other, "deep"), join(root, "a/linked"));
    await symlink(join(root, "nothing"), join(root, "b/broken.jpg"));
    await symlink("self.jpg", join(root, "b/self.jpg"));
    const { dataset, ignored } = await openDataset(root);
    expect(dataset.samples.map((sample) => sample.id)).toContain("a/linked/2.jpg");
    expect(ignored.map((entry) => entry.path)).toEqual(
      expect.arrayContaining(["b/broken.jpg", "b/self.jpg"]),
    );
    await symlink(root, join(root, "a/loop"));
    expect(await refusal(root)).toBe("data/link-loop");
  });

  it("tells apart what is missing and what is the wrong kind", async () => {
    const root = await folder({ "a.txt": "", "picture.jpg": "x" });
    expect(await refusal(join(root, "nope"))).toBe("data/missing");
    expect(await refusal(join(root, "a.txt"))).toBe("data/unknown-file");
    expect(await refusal(join(root, "a.txt", "b"))).toBe("data/not-a-folder");
    const files = openFolder(root);
    await expect(files.list("a.txt")).rejects.toThrow(ThawError);
    await expect(files.read("")).rejects.toThrow(/not a file/);
    expect(await files.read("picture.jpg", 0, 99)).toEqual(new TextEncoder().encode("x"));
  });
});
