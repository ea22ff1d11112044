import { expect, test } from "vitest";
import { memoryStore } from "./activation-store.ts";
import { type BoundaryOptions, openBoundary } from "./boundary.ts";
import { fit } from "./fit.ts";
import { tinyFit, tinyPictures } from "./tiny-task.fixture.ts";

const samples = (of: readonly { readonly sample: number }[]) => of.map(({ sample }) => sample);

function boundary(changes: Partial<BoundaryOptions> = {}): BoundaryOptions {
  const { train, validation } = tinyFit();
  return {
    loader: tinyPictures(3),
    train: samples(train),
    heldOut: samples(validation),
    augmentation: "light",
    views: 2,
    epochs: 3,
    budget: { memoryBytes: 1e6, fileBytes: 0 },
    openFile: async (rowBytes) => memoryStore(rowBytes),
    batchSize: 4,
    ...changes,
  };
}

test("training on the cache gives the bytes that training without it gives", async () => {
  const cached = await openBoundary(boundary());
  expect(cached.choice).toMatchObject({ where: "memory", type: "float32", views: 2 });
  const { weights, history } = await fit(tinyFit({ features: cached.features }));
  const without = await fit(tinyFit());
  expect(history).toEqual(without.history);
  expect(weights).toEqual(without.weights);
  await cached.close();
});

test("the file takes what memory may not hold, and nothing is cached where neither may", async () => {
  const opened: number[] = [];
  const openFile = async (rowBytes: number) => {
    opened.push(rowBytes);
    return memoryStore(rowBytes);
  };
  const spilled = await openBoundary(
    boundary({ openFile, budget: { memoryBytes: 100, fileBytes: 1e6 } }),
  );
  expect(spilled.choice.where).toBe("file");
  expect(opened).toEqual([48 * 2]);
  await spilled.close();
  const options = boundary({ budget: { memoryBytes: 100, fileBytes: 0 } });
  const bare = await openBoundary(options);
  expect(bare.choice).toMatchObject({ where: "recompute", views: 0 });
  expect(bare.features).toBe(options.loader);
});

test("without augmentation one view is enough", async () => {
  const plain = await openBoundary(boundary({ augmentation: "none", views: 8 }));
  expect(plain.choice.views).toBe(1);
  await plain.close();
});

test("the store is given back where filling it fails", async () => {
  let closed = false;
  const failing = boundary({
    loader: { dims: [48], load: async () => Promise.reject(new Error("unreadable")) },
    budget: { memoryBytes: 0, fileBytes: 1e9 },
    openFile: async (rowBytes) => ({
      ...memoryStore(rowBytes),
      close: async () => {
        closed = true;
      },
    }),
  });
  await expect(openBoundary(failing)).rejects.toThrow("unreadable");
  expect(closed).toBe(true);
});
