import type { Rule } from "../rule.ts";
import * as activation from "./activation.ts";
import * as arithmetic from "./arithmetic.ts";
import * as convolution from "./convolution.ts";
import * as layout from "./layout.ts";
import * as matrix from "./matrix.ts";
import * as normalization from "./normalization.ts";
import * as passive from "./passive.ts";
import * as pooling from "./pooling.ts";
import * as reduction from "./reduction.ts";
import * as resize from "./resize.ts";
import * as selection from "./selection.ts";

/**
 * The backward rule of every operator, by the operator's ONNX name. A family's file exports its
 * rules and nothing else, so that the export's name is the operator's.
 */
const table = {
  ...activation,
  ...arithmetic,
  ...convolution,
  ...layout,
  ...matrix,
  ...normalization,
  ...passive,
  ...pooling,
  ...reduction,
  ...resize,
  ...selection,
} satisfies Readonly<Record<string, Rule>>;

export const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>(Object.entries(table));
