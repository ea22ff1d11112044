import { candidateThawPoints, listCuts } from "../models/cuts.ts";
import type { Shapes } from "../models/flops.ts";
import type { Cut, Preprocessing, Pretrained } from "../models/pretrained.ts";
import { loadPretrained } from "../node/load-model.ts";
import { onnxRuntime } from "../node/onnxruntime.ts";
import { discoverShapes } from "../runtime/shapes.ts";
import type { JobContext } from "./events.ts";
import type { InspectOptions } from "./options.ts";

/** A pretrained network with what its structure tells. */
export interface Network {
  readonly pretrained: Pretrained;
  /** Dimensions of every value for one picture. */
  readonly shapes: Shapes;
  readonly cuts: readonly Cut[];
  /** Candidate thaw points in depth order: the input first, the classifier's features last. */
  readonly candidates: readonly Cut[];
}

/** Loads the network a job starts from and looks at its structure. */
export async function openNetwork(
  options: Pick<InspectOptions, "model" | "imageSize">,
  { onEvent, signal }: JobContext,
): Promise<Network> {
  onEvent?.({ kind: "phase", says: "Loading the network" });
  const loaded = await loadPretrained(options.model, {
    ...(signal === undefined ? {} : { signal }),
    notice: (says: string) => onEvent?.({ kind: "note", says }),
  });
  const pretrained =
    options.imageSize === undefined
      ? loaded
      : { ...loaded, preprocessing: resized(loaded.preprocessing, options.imageSize) };
  const { height, width } = pretrained.preprocessing;
  const shapes = await discoverShapes(onnxRuntime, pretrained.model, [1, 3, height, width]);
  const cuts = listCuts(pretrained.model, shapes);
  return { pretrained, shapes, cuts, candidates: candidateThawPoints(cuts) };
}

/** The same preprocessing for a square input of another size; the crop keeps its proportion. */
function resized(own: Preprocessing, side: number): Preprocessing {
  return {
    ...own,
    width: side,
    height: side,
    ...(own.resize === undefined
      ? {}
      : { resize: Math.round((own.resize * side) / Math.max(own.width, own.height)) }),
  };
}
