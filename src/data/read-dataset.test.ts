import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { ThawError } from "../errors.ts";
import { memoryFiles } from "./memory-files.fixture.ts";
import { ParquetFile } from "./parquet-file.ts";
import { readDataset } from "./read-dataset.ts";

type Files = Record<string, string | Uint8Array>;

const read = (files: Files, file?: string) => readDataset(memoryFiles(files), file);

async function refusal(files: Files, file?: string) {
  const error = await read(files, file).catch((cause: unknown) => cause);
  if (!(error instanceof ThawError)) throw new Error(`no ThawError but ${String(error)}`);
  expect(error.fault.next).not.toBe("");
  return error.fault;
}

describe("folders", () => {
  it("takes a folder as a class, in natural order, nested pictures included", async () => {
    const { dataset, ignored } = await read({
      "class 10/a.jpg": "",
      "class 2/deep/er/b.PNG": "",
      "class 2/notes.txt": "",
      "class 2/.DS_Store": "",
      "class 2/Thumbs.db": "",
      "__MACOSX/class 2/b.png": "",
      "empty/readme.md": "",
      "loose.jpg": "",
    });
    expect(dataset.layout).toBe("folders");
    expect(dataset.classes).toEqual(["class 2", "class 10"]);
    expect(dataset.samples).toEqual([
      { id: "class 2/deep/er/b.PNG", label: 0 },
      { id: "class 10/a.jpg", label: 1 },
    ]);
    expect(ignored.map((entry) => entry.path).sort()).toEqual([
      "class 2/notes.txt",
      "empty",
      "empty/readme.md",
      "loose.jpg",
    ]);
  });

  it("keeps strange names as they are", async () => {
    const names = ["-rf.jpg", "line\nbreak.png", "🐝.webp", "a b;c,d.jpg", "__proto__.jpg"];
    const { dataset } = await read(
      Object.fromEntries([...names.map((name) => [`__proto__x/${name}`, ""]), ["b/x.jpg", ""]]),
    );
    expect(dataset.samples.map((sample) => sample.id).sort()).toEqual(
      [...names.map((name) => `__proto__x/${name}`), "b/x.jpg"].sort(),
    );
  });

  it("honours train, valid and test with classes inside", async () => {
    const { dataset, ignored } = await read({
      "train/a/1.jpg": "",
      "valid/a/2.jpg": "",
      "Test/b/3.jpg": "",
      "extra/c/4.jpg": "",
    });
    expect(dataset.layout).toBe("split-folders");
    expect(dataset.classes).toEqual(["a", "b"]);
    expect(dataset.samples.map(({ split, label }) => [split, label])).toEqual([
      ["test", 1],
      ["train", 0],
      ["val", 0],
    ]);
    expect(ignored.map((entry) => entry.path)).toEqual(["extra"]);
  });

  it("says what is wrong and what to do", async () => {
    expect((await refusal({})).code).toBe("data/empty-folder");
    expect((await refusal({ "a.txt": "", "b/c.txt": "" })).code).toBe("data/no-pictures");
    expect((await refusal({ "a.jpg": "", "b.jpg": "" })).code).toBe("data/no-class-folders");
    const nested = await refusal({ "animals/cat/1.jpg": "", "animals/dog/2.jpg": "" });
    expect(nested.code).toBe("data/nested-classes");
    expect(nested.next).toContain("/set/animals");
    expect((await refusal({ "x.zip": "" }, "x.zip")).code).toBe("data/unknown-file");
  });
});

describe("manifests", () => {
  it("reads CSV with other header names, a separator and a byte order mark", async () => {
    const { dataset } = await read({
      "list.csv":
        '\ufeffFile Name;Class;Subset;Patient ID\n"img\\a.jpg";cat;training;p1\nimg/b.jpg;dog;;\n',
      "img/a.jpg": "",
      "img/b.jpg": "",
    });
    expect(dataset).toMatchObject({
      layout: "manifest",
      classes: ["cat", "dog"],
      samples: [
        { id: "img/a.jpg", label: 0, split: "train", group: "p1" },
        { id: "img/b.jpg", label: 1 },
      ],
    });
  });

  it("reads JSON lines, numbers as class names, and never evaluates a cell", async () => {
    const { dataset } = await read(
      { "m.jsonl": '{"path": "=cmd()|a.jpg", "label": 1}\n\n{"label": "0", "path": "b.jpg"}\n' },
      "m.jsonl",
    );
    expect(dataset.classes).toEqual(["0", "1"]);
    expect(dataset.samples).toEqual([
      { id: "=cmd()|a.jpg", label: 1 },
      { id: "b.jpg", label: 0 },
    ]);
  });

  it.each([
    ["../up.jpg", "data/unsafe-path"],
    ["a/../../up.jpg", "data/unsafe-path"],
    ["/etc/passwd", "data/unsafe-path"],
    ["C:\\\\x.jpg", "data/unsafe-path"],
    [".", "data/unsafe-path"],
  ])("refuses the path %s", async (path, code) => {
    const fault = await refusal({ "m.csv": `path,label\n${path},a\n` }, "m.csv");
    expect(fault).toMatchObject({ code, where: "m.csv:2" });
  });

  it("takes absolute paths inside the dataset", async () => {
    const { dataset } = await read({ "m.csv": "path,label\n/set/a/b.jpg,x\n" }, "m.csv");
    expect(dataset.samples[0]?.id).toBe("a/b.jpg");
  });

  it("names the row that is wrong", async () => {
    const csv = (rows: string) => refusal({ "m.csv": `path,label,split\n${rows}` }, "m.csv");
    expect(await csv("a.jpg,,\n")).toMatchObject({ code: "data/manifest-row", where: "m.csv:2" });
    expect(await csv("a.jpg,x,later\n")).toMatchObject({ code: "data/manifest-row" });
    expect((await csv("a.jpg,x,\na.jpg,y,\n")).code).toBe("data/two-labels");
    expect((await csv("a.jpg\n")).code).toBe("data/manifest-malformed");
    expect((await refusal({ "m.csv": "foo,bar\n1,2\n" }, "m.csv")).code).toBe(
      "data/manifest-columns",
    );
    expect((await refusal({ "m.jsonl": "[1]\n" }, "m.jsonl")).where).toBe("m.jsonl:1");
  });

  it("refuses more rows than fit into memory, before it reads them", async () => {
    const many = await refusal({ "m.jsonl": "\n".repeat(3_000_001) }, "m.jsonl");
    expect(many).toMatchObject({ code: "data/too-large", where: "m.jsonl" });
    expect(many.what).toContain("3000001 lines");
  });

  it("ends in a dataset or a typed error, whatever the text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.boolean(), async (text, json) => {
        const name = json ? "m.jsonl" : "m.csv";
        const head = json ? "" : "path,label\n";
        const result = await read({ [name]: head + text }, name).catch((cause: unknown) => cause);
        if (result instanceof Error && !(result instanceof ThawError)) throw result;
      }),
      { numRuns: 100 },
    );
  });
});

describe("imagefolder", () => {
  it("reads metadata.csv in the root and metadata.jsonl in the split folders", async () => {
    const flat = await read({
      "metadata.csv": "file_name,label\n1.jpg,x\n2.jpg,y\n",
      "1.jpg": "",
      "2.jpg": "",
    });
    expect(flat.dataset).toMatchObject({ layout: "imagefolder", classes: ["x", "y"] });
    const split = await read({
      "train/metadata.jsonl": '{"file_name": "1.jpg", "label": 3}\n',
      "train/1.jpg": "",
      "test/metadata.jsonl": '{"file_name": "2.jpg", "label": 3}\n',
      "test/2.jpg": "",
    });
    expect(split.dataset.samples).toEqual([
      { id: "test/2.jpg", label: 0, split: "test" },
      { id: "train/1.jpg", label: 0, split: "train" },
    ]);
  });

  it("goes by the folders when the metadata holds no label", async () => {
    const { dataset } = await read({
      "metadata.csv": "file_name,text\na/1.jpg,a bee\n",
      "a/1.jpg": "",
      "b/2.jpg": "",
    });
    expect(dataset).toMatchObject({ layout: "folders", classes: ["a", "b"] });
  });
});

describe("parquet", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const names = {
    info: {
      features: {
        image: { _type: "Image" },
        label: { _type: "ClassLabel", names: ["ant", "bee"] },
      },
    },
  };
  const file = (labels: (number | string)[], metadata: unknown = names) =>
    new Uint8Array(
      parquetWriteBuffer({
        schema: [
          { name: "root", num_children: 2 },
          { name: "image", num_children: 2, repetition_type: "OPTIONAL" },
          { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
          { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
          typeof labels[0] === "number"
            ? { name: "label", type: "INT64", repetition_type: "OPTIONAL" }
            : {
                name: "label",
                type: "BYTE_ARRAY",
                converted_type: "UTF8",
                repetition_type: "OPTIONAL",
              },
        ],
        columnData: [
          {
            name: "image",
            data: labels.map((_, i) => ({ bytes: bytes(`picture ${i}`), path: `${i}.png` })),
          },
          {
            name: "label",
            data: labels.map((label) => (typeof label === "number" ? BigInt(label) : label)),
          },
        ],
        rowGroupSize: 2,
        kvMetadata:
          metadata === undefined ? [] : [{ key: "huggingface", value: JSON.stringify(metadata) }],
      }),
    );

  it("reads class names from the Hugging Face features and the split from the file name", async () => {
    const { dataset } = await read({
      "data/train-00000-of-00001.parquet": file([1, 0, 1]),
      "data/test-00000-of-00001.parquet": file([0]),
    });
    expect(dataset).toMatchObject({ layout: "parquet", classes: ["ant", "bee"] });
    expect(dataset.samples).toEqual([
      { id: "data/test-00000-of-00001.parquet#0", label: 0, split: "test" },
      { id: "data/train-00000-of-00001.parquet#0", label: 1, split: "train" },
      { id: "data/train-00000-of-00001.parquet#1", label: 0, split: "train" },
      { id: "data/train-00000-of-00001.parquet#2", label: 1, split: "train" },
    ]);
  });

  it("gives the pictures of a row group", async () => {
    const files = memoryFiles({ "a.parquet": file([1, 0, 1]) });
    const parquet = await ParquetFile.open(files, "a.parquet");
    expect(parquet.groups).toEqual([
      { start: 0, end: 2 },
      { start: 2, end: 3 },
    ]);
    const [picture] = await parquet.pictures({ start: 2, end: 3 });
    expect(new TextDecoder().decode(picture)).toBe("picture 2");
  });

  it("takes text labels", async () => {
    const { dataset } = await read({ "a.parquet": file(["cat", "ant"], null) });
    expect(dataset.classes).toEqual(["ant", "cat"]);
    expect(dataset.samples.map((sample) => sample.label)).toEqual([1, 0]);
  });

  it("refuses labels outside the class names", async () => {
    expect((await refusal({ "a.parquet": file([0, 7]) })).code).toBe("data/parquet-unreadable");
  });

  it("refuses truncated files with a typed error", async () => {
    const whole = file([1, 0, 1]);
    for (let length = 0; length < whole.length; length += 7) {
      const code = (await refusal({ "a.parquet": whole.slice(0, length) })).code;
      expect(code).toBe("data/parquet-unreadable");
    }
  });
});
