import { expect, test } from "vitest";
import { epochGradients } from "./auto-rgn.ts";
import { fit } from "./fit.ts";
import { tinyFit, tinyNetwork } from "./tiny-task.fixture.ts";

test("an epoch's gradients are what one step of plain descent on one batch follows", async () => {
  const options = tinyFit({
    network: tinyNetwork(3),
    batchSize: 10,
    augmentation: "none",
    epochs: 1,
    warmup: 0,
    learningRate: 0.5,
    loss: { labelSmoothing: 0 },
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
  });
  const rates = new Map(
    options.groups.flatMap(({ parameters, learningRateScale }) =>
      parameters.map((name) => [name, 0.5 * learningRateScale] as const),
    ),
  );
  const gradients = await epochGradients(options);
  const { weights } = await fit(options);
  expect([...gradients.keys()].sort()).toEqual([...rates.keys()].sort());
  for (const [name, gradient] of gradients) {
    const before = options.network.graph.initializers.get(name);
    const after = weights.get(name);
    for (let i = 0; i < gradient.data.length; i++) {
      const step = Number(before?.data[i]) - Number(after?.data[i]);
      expect(step).toBeCloseTo((rates.get(name) ?? 0) * Number(gradient.data[i]), 6);
    }
    expect(gradient.data.some((value) => value !== 0)).toBe(true);
  }
});
