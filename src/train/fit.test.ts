import { describe, expect, test } from "vitest";
import { ThawError } from "../errors.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { fit } from "./fit.ts";
import type { FitEvent } from "./fit-events.ts";
import type { FitOptions, FitResult } from "./fit-options.ts";
import type { FitState } from "./fit-state.ts";
import { groupsOf } from "./parameter-groups.ts";
import { tinyFit, tinyNetwork, tinyPictures } from "./tiny-task.fixture.ts";

const bytesOf = (tensors: ReadonlyMap<string, Tensor>) =>
  [...tensors].map(([name, tensor]) =>
    tensor.type === "float32" ? [name, [...new Uint32Array(tensor.data.slice().buffer)]] : [name],
  );

const essence = ({ weights, history, validationLogits, bestEpoch, stopped }: FitResult) => ({
  weights: bytesOf(weights),
  history,
  validationLogits,
  bestEpoch,
  stopped,
});

async function collect(options: FitOptions): Promise<{ events: FitEvent[]; result: FitResult }> {
  const events: FitEvent[] = [];
  const result = await fit({ ...options, onEvent: (event) => events.push(event) });
  return { events, result };
}

describe("a fit", () => {
  test("learns, reports every step and epoch, and keeps the best epoch's weights", async () => {
    const { events, result } = await collect(tinyFit({ epochs: 12, network: tinyNetwork(3) }));
    const losses = result.history.map(({ validationLoss }) => validationLoss);
    expect(Math.min(...losses)).toBeLessThan((losses[0] ?? 0) / 2);
    expect(result.history[result.bestEpoch]?.validationAccuracy).toBe(1);
    expect(result.validationLoss).toBe(Math.min(...losses));
    expect(losses.indexOf(result.validationLoss)).toBe(result.bestEpoch);
    expect(events.filter(({ kind }) => kind === "step")).toHaveLength(12 * 3);
    expect(events.filter(({ kind }) => kind === "epoch")).toHaveLength(12);
    expect(events.at(-1)).toEqual({
      kind: "stopped",
      reason: "epochs",
      bestEpoch: result.bestEpoch,
      coefficient: 1,
      seconds: result.seconds,
    });
  });

  test("tells of every checkpoint once it is kept, and what it cost", async () => {
    const told: string[] = [];
    await fit(
      tinyFit({
        checkpointSeconds: 0,
        onEvent: (event) => {
          if (event.kind !== "checkpoint") return;
          told.push(`told ${event.epoch}/${event.step}`);
          expect(event.seconds).toBeGreaterThanOrEqual(0);
        },
        onCheckpoint: async ({ progress: { epoch, step } }) => {
          told.push(`kept ${epoch}/${step}`);
        },
      }),
    );
    expect(told.slice(0, 4)).toEqual(["kept 0/0", "told 0/0", "kept 0/1", "told 0/1"]);
  });

  test("changes trained parameters only, and gives back no others", async () => {
    const network = tinyNetwork(3);
    const before = bytesOf(network.graph.initializers);
    const groups = groupsOf(network.graph, () => 1, ["head.weight", "head.bias"]);
    const result = await fit(tinyFit({ network, groups }));
    expect([...result.weights.keys()].sort()).toEqual(["head.bias", "head.weight"]);
    expect(bytesOf(network.graph.initializers)).toEqual(before);
    for (const [name, tensor] of result.weights) {
      expect(tensor.data).not.toEqual(network.graph.initializers.get(name)?.data);
    }
  });

  test("with batch statistics gives the running ones back too", async () => {
    const result = await fit(tinyFit({ batchNorm: "batch" }));
    expect(result.weights.has("norm.mean")).toBe(true);
    expect(result.weights.get("norm.mean")?.data).not.toEqual(
      tinyNetwork(3).graph.initializers.get("norm.mean")?.data,
    );
  });

  test("is the same bytes for one seed and others for another", async () => {
    const first = essence(await fit(tinyFit()));
    expect(essence(await fit(tinyFit()))).toEqual(first);
    expect(essence(await fit(tinyFit({ seed: 2 }))).weights).not.toEqual(first.weights);
  });

  test("asks for the cached views in turn, or for fresh ones", async () => {
    const drawsWith = async (views: number) => {
      const pictures = tinyPictures(3);
      const draws = new Set<number>();
      const features = {
        dims: pictures.dims,
        load: (asked: Parameters<typeof pictures.load>[0]) => {
          for (const { strength, draw } of asked) if (strength === "light") draws.add(draw);
          return pictures.load(asked);
        },
      };
      await fit(tinyFit({ views, epochs: 4, features }));
      return [...draws].sort();
    };
    expect(await drawsWith(3)).toEqual([0, 1, 2]);
    expect(await drawsWith(0)).toEqual([0, 1, 2, 3]);
  });

  test("stops when patience runs out", async () => {
    const { result } = await collect(tinyFit({ epochs: 40, learningRate: 3, patience: 2 }));
    expect(result.stopped).toBe("patience");
    expect(result.history).toHaveLength(result.bestEpoch + 3);
  });

  test("refuses to start without pictures to validate on", async () => {
    await expect(fit(tinyFit({ validation: [] }))).rejects.toThrow("validate on");
  });

  test("plans fewer epochs where the time allows no more", async () => {
    const result = await fit(tinyFit({ epochs: 50, minutes: 1e-7 }));
    expect(result.stopped).toBe("time");
    expect(result.history).toHaveLength(1);
  });
});

describe("exact resume", () => {
  const variants: [string, Partial<FitOptions>][] = [
    ["AdamW with dropout", {}],
    [
      "SGD, mixup, clipping and averages",
      {
        optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 1e-3 },
        mixup: 0.4,
        clipNorm: 0.5,
        averageDecay: 0.8,
      },
    ],
    ["batch statistics", { batchNorm: "batch" }],
  ];

  test.each(variants)("from every step and validation batch: %s", async (_, changes) => {
    const checkpoints: Uint8Array[] = [];
    const whole = await fit(
      tinyFit({
        ...changes,
        checkpointSeconds: 0,
        onCheckpoint: async (state) => {
          checkpoints.push(Buffer.concat(encodeCheckpoint(state)));
        },
      }),
    );
    // Three steps, two validation batches and their sum in each of three epochs.
    expect(checkpoints).toHaveLength(18);
    for (const bytes of checkpoints) {
      const resumed = await fit(tinyFit({ ...changes, resumeFrom: decodeCheckpoint(bytes) }));
      expect(essence(resumed)).toEqual(essence(whole));
    }
  });

  test("an abort hands over the state of the next boundary and throws its reason", async () => {
    const whole = await fit(tinyFit());
    for (const stopAt of [0, 4, 8]) {
      const control = new AbortController();
      let left: Uint8Array | undefined;
      let steps = 0;
      const aborted = fit(
        tinyFit({
          signal: control.signal,
          onEvent: ({ kind }) => {
            if (kind === "step" && steps++ === stopAt) control.abort(new Error("enough"));
          },
          onCheckpoint: async (state) => {
            left = Buffer.concat(encodeCheckpoint(state));
          },
        }),
      );
      await expect(aborted).rejects.toThrow("enough");
      expect(steps).toBe(stopAt + 1);
      const resumeFrom = decodeCheckpoint(left ?? new Uint8Array());
      expect(essence(await fit(tinyFit({ resumeFrom })))).toEqual(essence(whole));
    }
  });

  test("an abort that ends the loader too still hands over the last boundary", async () => {
    const control = new AbortController();
    const pictures = tinyPictures(3);
    const states: FitState[] = [];
    let steps = 0;
    const aborted = fit(
      tinyFit({
        signal: control.signal,
        features: {
          dims: pictures.dims,
          async load(views) {
            control.signal.throwIfAborted();
            return pictures.load(views);
          },
        },
        onEvent: ({ kind }) => {
          if (kind === "step" && ++steps === 1)
            setTimeout(() => control.abort(new Error("enough")));
        },
        onCheckpoint: async (state) => {
          states.push(state);
        },
      }),
    );
    await expect(aborted).rejects.toThrow("enough");
    const resumeFrom = states.at(-1);
    if (resumeFrom === undefined) throw new Error("no state was handed over");
    expect(essence(await fit(tinyFit({ resumeFrom })))).toEqual(essence(await fit(tinyFit())));
  });

  test("a state of another optimizer is refused", async () => {
    const states: Uint8Array[] = [];
    const onCheckpoint = async (state: FitState) => {
      states.push(Buffer.concat(encodeCheckpoint(state)));
    };
    await fit(tinyFit({ checkpointSeconds: 0, onCheckpoint, epochs: 1 }));
    const resumeFrom = decodeCheckpoint(states[0] ?? new Uint8Array());
    const optimizer = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 } as const;
    await expect(fit(tinyFit({ resumeFrom, optimizer }))).rejects.toThrow(ThawError);
  });
});

describe("numbers that go wrong", () => {
  /** Gives NaN for sample 5 as long as `spoilt` says so. */
  const spoiling = (spoilt: (time: number) => boolean) => {
    const pictures = tinyPictures(3);
    let times = 0;
    return {
      dims: pictures.dims,
      async load(views: Parameters<typeof pictures.load>[0]) {
        const data = await pictures.load(views);
        if (views.some(({ sample }) => sample === 5) && spoilt(times++)) data.fill(Number.NaN);
        return data;
      },
    };
  };

  test("once: the batch is named, the rate lowered, and training ends well", async () => {
    const features = spoiling((time) => time === 1);
    const { events, result } = await collect(tinyFit({ features, epochs: 4 }));
    const [fault, ...others] = events.filter((event) => event.kind === "diverged");
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ epoch: 1, samples: expect.arrayContaining(["5.png"]) });
    expect(fault?.says).toBe("the loss is NaN in step 3 of epoch 2, on 8.png, 5.png");
    const rates = events.flatMap((event) =>
      event.kind === "step" && event.epoch === 1 && event.step === 0 ? [event.learningRate] : [],
    );
    expect(rates.at(-1)).toBeCloseTo(tinyRate(4) * 0.1, 12);
    expect(result.history).toHaveLength(4);
    for (const tensor of result.weights.values()) {
      expect([...tensor.data].every((value) => Number.isFinite(Number(value)))).toBe(true);
    }
  });

  test("twice: a typed error with batch and step", async () => {
    const failing = fit(tinyFit({ features: spoiling(() => true) }));
    const error = await failing.then(
      () => undefined,
      (cause) => cause,
    );
    expect(error).toBeInstanceOf(ThawError);
    expect(error.fault).toMatchObject({
      code: "train/diverged",
      what: expect.stringMatching(/epoch 1, on (\d\.png, ){2}\d\.png and 1 more$/),
      details: { epoch: 0, samples: expect.arrayContaining(["5.png"]), learningRateScale: 0.1 },
    });
  });

  test("a resume after the divergence ends with the same bytes", async () => {
    const states: Uint8Array[] = [];
    const whole = await fit(
      tinyFit({
        features: spoiling((time) => time === 1),
        checkpointSeconds: 0,
        onCheckpoint: async (state) => {
          states.push(Buffer.concat(encodeCheckpoint(state)));
        },
      }),
    );
    const after = states.map(decodeCheckpoint).filter((s) => s.progress.learningRateScale < 1);
    expect(after.length).toBeGreaterThan(3);
    for (const resumeFrom of after) {
      expect(essence(await fit(tinyFit({ resumeFrom })))).toEqual(essence(whole));
    }
  });
});

/** Learning rate of the first step of the second of `epochs` epochs of three steps. */
function tinyRate(epochs: number): number {
  const total = epochs * 3;
  const warmup = Math.round(total * 0.1);
  const progress = (3 - warmup) / (total - 1 - warmup);
  return 0.0005 + (0.05 - 0.0005) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
