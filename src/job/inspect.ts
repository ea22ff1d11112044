import { DecodedPictures } from "../node/decoded-pictures.ts";
import { openPictureLoader } from "../node/picture-loader.ts";
import { decide } from "../plan/policy.ts";
import type { JobContext } from "./events.ts";
import { type Network, openNetwork } from "./network.ts";
import { type InspectOptions, inspectOptions, parseOptions, type TrainOptions } from "./options.ts";
import { type Pictures, readPictures, samplesOn } from "./pictures.ts";
import type { Inspection } from "./result.ts";
import { type Survey, survey } from "./survey.ts";

/**
 * What is in a folder of pictures, how similar it is to what the network knows, and what Thaw
 * would do with it. Trains nothing and writes nothing.
 * @throws ThawError `data/*`, `models/*`, `onnx/*`, `node/*`, `job/*`; the signal's reason
 */
export async function inspect(
  folder: string,
  options: Partial<InspectOptions> = {},
  context: JobContext = {},
): Promise<Inspection> {
  const asked = parseOptions(inspectOptions, options);
  const decoded = new DecodedPictures();
  try {
    const pictures = await readPictures(folder, asked, context, decoded);
    const network = await openNetwork(asked, context);
    const loader = openLoader(pictures, network, asked, context, decoded);
    try {
      const { measured } = await survey(pictures, network, loader, asked, context);
      return describeInspection(pictures, measured, planFor(pictures, network, measured, asked));
    } finally {
      await loader.close();
    }
  } finally {
    decoded.close();
  }
}

/** Decoding threads of a job. */
export function openLoader(
  { dataset }: Pictures,
  { pretrained }: Network,
  { seed, keepOrientation }: InspectOptions,
  { signal }: JobContext,
  decoded?: DecodedPictures,
) {
  return openPictureLoader(dataset, pretrained.preprocessing, {
    seed,
    decoded,
    flips: !keepOrientation,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The plan that follows from a survey. */
export function planFor(
  { dataset, sides }: Pictures,
  { candidates }: Network,
  { size, similarity, depthCurve }: Survey,
  options: InspectOptions & Partial<Pick<TrainOptions, "epochs" | "batchSize">>,
) {
  const { strategy, augmentation, ruleOnly, epochs, batchSize } = options;
  return decide({
    size,
    similarity,
    ...(depthCurve === undefined ? {} : { depthCurve }),
    cuts: candidates,
    pictures: samplesOn("train", sides).length,
    classes: dataset.classes.length,
    options: {
      ruleOnly,
      ...(strategy === undefined ? {} : { strategy }),
      ...(augmentation === undefined ? {} : { augmentation }),
      ...(epochs === undefined ? {} : { epochs }),
      ...(batchSize === undefined ? {} : { batchSize }),
    },
  });
}

export function describeInspection(
  { audit }: Pictures,
  measured: Survey,
  plan: Inspection["plan"],
): Inspection {
  return { images: audit.images, classes: audit.classes, audit, ...measured, plan };
}
