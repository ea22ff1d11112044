import type { View } from "../data/view.ts";
import { elementCount } from "../onnx/tensor.ts";
import type { Session } from "../runtime/session.ts";
import type { ActivationStore } from "./activation-store.ts";
import {
  type ActivationType,
  bytesPerScalar,
  decodeActivations,
  encodeActivations,
} from "./activation-type.ts";
import { checkpointTimer } from "./checkpoint-timer.ts";
import { readAhead } from "./read-ahead.ts";

/** Gives the trainable part its input: pictures, or activations at the cut. */
export interface FeatureLoader {
  /** Dimensions of one row. */
  readonly dims: readonly number[];
  /** One row a view in the order asked for, [views, ...dims]. Calls may overlap. */
  load(views: readonly View[]): Promise<Float32Array>;
}

/** The frozen part of a network as an open session. */
export interface FrozenPrefix {
  readonly session: Session;
  readonly input: string;
  /** The cut's tensor. */
  readonly output: string;
  /** Dimensions of the cut for one picture, without the batch. */
  readonly dims: readonly number[];
}

/**
 * Runs the frozen prefix on the views asked for. Every call is cut into runs of exactly
 * `batchSize` rows, the last one padded with zeros, so that a picture's activation does not
 * depend on how many others are asked for with it.
 */
export function prefixLoader(
  pictures: FeatureLoader,
  prefix: FrozenPrefix,
  batchSize: number,
): FeatureLoader {
  const inputScalars = elementCount(pictures.dims);
  const outputScalars = elementCount(prefix.dims);
  return {
    dims: prefix.dims,
    async load(views) {
      const pixels = await pictures.load(views);
      const result = new Float32Array(views.length * outputScalars);
      for (let row = 0; row < views.length; row += batchSize) {
        const rows = Math.min(batchSize, views.length - row);
        const given = pixels.subarray(row * inputScalars, (row + rows) * inputScalars);
        const data = rows === batchSize ? given : new Float32Array(batchSize * inputScalars);
        if (rows !== batchSize) data.set(given);
        const outputs = await prefix.session.run(
          { [prefix.input]: { type: "float32", dims: [batchSize, ...pictures.dims], data } },
          [prefix.output],
        );
        const activation = outputs[prefix.output];
        if (activation?.type !== "float32") {
          throw new TypeError(`prefix output ${prefix.output} is not float32`);
        }
        result.set(activation.data.subarray(0, rows * outputScalars), row * outputScalars);
      }
      return result;
    },
  };
}

export interface CacheOptions {
  readonly store: ActivationStore;
  readonly type: ActivationType;
  /** Pictures decoded and pushed through the prefix at a time. */
  readonly batchSize: number;
  /** Rows that the store holds already. */
  readonly kept?: number;
  /** Is awaited, every 20 seconds and at the end, with the rows that the store holds by then. */
  readonly onKept?: (rows: number) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Loads every view that is not kept yet once, in the order given, and answers from the store from
 * then on. The bytes depend on the views and their order alone.
 * @throws ThawError whatever the loader throws; the signal's reason where it is aborted
 */
export async function fillCache(
  loader: FeatureLoader,
  views: readonly View[],
  options: CacheOptions,
): Promise<FeatureLoader> {
  const { store, type, batchSize, kept = 0, onKept } = options;
  const rowOf = new Map(views.map((view, row) => [key(view), row]));
  const count = Math.ceil(views.length / batchSize);
  const read = readAhead(
    (index) => loader.load(views.slice(index * batchSize, (index + 1) * batchSize)),
    count,
  );
  const timer = checkpointTimer(keepingMs, performance.now());
  for (let index = Math.floor(kept / batchSize); index < count; index++) {
    options.signal?.throwIfAborted();
    await store.write(index * batchSize, encodeActivations(await read(index), type));
    const rows = Math.min((index + 1) * batchSize, views.length);
    options.onProgress?.(rows, views.length);
    const now = performance.now();
    if (onKept === undefined || !(index + 1 === count || timer.due(now, false))) continue;
    await onKept(rows);
    timer.wrote(now, performance.now());
  }
  return cachedLoader(loader.dims, rowOf, store, type);
}

const keepingMs = 20_000;

function cachedLoader(
  dims: readonly number[],
  rowOf: ReadonlyMap<string, number>,
  store: ActivationStore,
  type: ActivationType,
): FeatureLoader {
  const size = rowBytes(dims, type);
  return {
    dims,
    async load(views) {
      const bytes = new Uint8Array(views.length * size);
      await Promise.all(
        views.map((view, index) => {
          const row = rowOf.get(key(view));
          if (row === undefined) throw new RangeError(`view ${key(view)} was never cached`);
          return store.read(row, bytes.subarray(index * size, (index + 1) * size));
        }),
      );
      return decodeActivations(bytes, type);
    },
  };
}

/** Bytes of one row of the store that `fillCache` writes to. */
export function rowBytes(dims: readonly number[], type: ActivationType): number {
  return elementCount(dims) * bytesPerScalar[type];
}

function key(view: View): string {
  return view.strength === "none"
    ? `${view.sample}`
    : `${view.sample}/${view.strength}/${view.draw}`;
}
