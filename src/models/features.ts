import { int, ints } from "../onnx/attributes.ts";
import type { Graph, Model, Node, ValueInfo } from "../onnx/graph.ts";
import { producers } from "../onnx/values.ts";
import type { Shapes } from "./flops.ts";
import { readFeatures } from "./metadata.ts";

/** Operators after a classifier that change no decision. */
const afterClassifier: ReadonlySet<string> = new Set([
  "Softmax",
  "LogSoftmax",
  "Identity",
  "Cast",
  "Dropout",
  "Flatten",
  "Reshape",
  "Squeeze",
]);
const poolings: ReadonlySet<string> = new Set(["GlobalAveragePool", "AveragePool", "ReduceMean"]);
const idle: ReadonlySet<string> = new Set(["Identity", "Dropout"]);
/** Widths of ImageNet-1k and ImageNet-21k classifiers, with and without a background class. */
const classCounts: ReadonlySet<number> = new Set([1000, 1001, 21841, 21842, 21843]);

/**
 * The value that enters the classifier: [N, D] behind a head of Thaw's own or a linear
 * classifier, [N, C, H, W] before a convolutional one (SqueezeNet). In a network without
 * classifier its output: [N, D], [N, C, H, W], or tokens [N, T, D].
 * @param shapes dimensions of every value for a batch of one
 */
export function backboneFeatures(model: Model, shapes: Shapes): string {
  const { graph } = model;
  const known = readFeatures(model);
  const writers = producers(graph);
  if (known !== undefined && writers.has(known)) return known;

  const output = mainOutput(graph, shapes);
  const [last, passed] = walkBack(output, afterClassifier, writers);
  const node = writers.get(last);
  if (node === undefined) return output;
  const isConstant = (name: string | undefined) => graph.initializers.has(name ?? "");
  const entering = linearInput(node, writers, isConstant, shapes);
  if (entering !== undefined) return walkBack(entering, idle, writers)[0];

  const isPooled = poolings.has(node.op);
  const conv = isPooled
    ? writers.get(walkBack(node.inputs[0] ?? "", new Set([...idle, "Relu"]), writers)[0])
    : node;
  if (conv === undefined || !isPointwise(conv, shapes) || !isConstant(conv.inputs[1]))
    return output;
  const classes = shapes.get(conv.outputs[0] ?? "")?.[1] ?? 0;
  // A pooled convolution may also be the end of a backbone without classifier.
  const isClassifier =
    !isPooled ||
    classCounts.has(classes) ||
    passed.some((op) => op.endsWith("Softmax")) ||
    /logit|prob|class|score/i.test(output);
  return isClassifier ? walkBack(conv.inputs[0] ?? "", idle, writers)[0] : output;
}

/** What a linear classifier reads, if `node` ends one. */
function linearInput(
  node: Node,
  writers: ReadonlyMap<string, Node>,
  isConstant: (name: string | undefined) => boolean,
  shapes: Shapes,
): string | undefined {
  const product = node.op === "Add" ? biased(node, writers, isConstant) : node;
  if (product?.op !== "Gemm" && product?.op !== "MatMul") return undefined;
  const [input = "", weight] = product.inputs;
  return isConstant(weight) && shapes.get(input)?.length === 2 ? input : undefined;
}

function biased(
  add: Node,
  writers: ReadonlyMap<string, Node>,
  isConstant: (name: string | undefined) => boolean,
): Node | undefined {
  const [a, b] = add.inputs;
  if (isConstant(b)) return writers.get(a ?? "");
  return isConstant(a) ? writers.get(b ?? "") : undefined;
}

function isPointwise(node: Node, shapes: Shapes): boolean {
  const kernel = shapes.get(node.inputs[1] ?? "") ?? [];
  const size = ints(node, "kernel_shape", kernel.slice(2));
  return node.op === "Conv" && int(node, "group", 1) === 1 && size.every((d) => d === 1);
}

/** The first value, going backwards, that a node outside of `through` writes; and what was passed. */
function walkBack(
  value: string,
  through: ReadonlySet<string>,
  writers: ReadonlyMap<string, Node>,
): [string, string[]] {
  const passed: string[] = [];
  let at = value;
  for (let node = writers.get(at); node !== undefined; node = writers.get(at)) {
    if (!through.has(node.op)) break;
    passed.push(node.op);
    at = node.inputs[0] ?? "";
  }
  return [at, passed];
}

/** The output a classifier would stand at, in a network that may have several. */
export function mainOutput(graph: Graph, shapes: Shapes): string {
  const rank = ({ name }: ValueInfo) => shapes.get(name)?.length;
  const named = (name: string) => graph.outputs.find((output) => output.name === name);
  const tokens = named("last_hidden_state");
  const chosen =
    named("logits") ??
    // The pooler of a vision transformer is often untrained; that of a convolutional one is a mean.
    (tokens !== undefined && rank(tokens) === 3 ? tokens : named("pooler_output")) ??
    graph.outputs.find((output) => rank(output) === 2) ??
    graph.outputs[0];
  return chosen?.name ?? "";
}
