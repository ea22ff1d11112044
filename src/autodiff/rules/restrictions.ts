/** What the rules do not cover, by operator; a node beyond it is refused with a typed error. */
export const restrictions: ReadonlyMap<string, string> = new Map([
  ["Cast", "between floating types; none flows through a cast to integers or booleans"],
  ["Dropout", "the identity in inference; in training a product with a mask input"],
  ["GatherND", "batch_dims 0"],
  ["Mod", "fmod 1, the form for floating types"],
  ["Pad", "outside constant mode, pads known before the network runs; none to the padding value"],
  [
    "Resize",
    "all modes and coordinate transformations except tf_crop_and_resize; aspect-ratio policy stretch; no scale too near 1 to change its axis",
  ],
  ["ScatterElements", "reduction none or add"],
  ["ScatterND", "reduction none or add"],
  ["Slice", "starts, axes and steps known before the network runs"],
  ...[
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "ReduceSumSquare",
  ].map((op) => [op, "axes known before the network runs"] as const),
]);
