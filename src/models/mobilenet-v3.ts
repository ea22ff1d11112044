import { type AttributeInput, GraphBuilder } from "../onnx/build.ts";
import type { Model } from "../onnx/graph.ts";
import type { Tensor } from "../onnx/tensor.ts";
import { refuse } from "./refuse.ts";
import { type StateDict, weight } from "./state-dict.ts";

type Stride = 1 | 2;
type Activation = "Relu" | "HardSwish";

/**
 * What a state dict does not tell: the strides of the inverted residual blocks, those with ReLU
 * first. Tables 1 and 2 of "Searching for MobileNetV3" (Howard et al. 2019).
 */
interface Variant {
  readonly name: string;
  readonly relu: readonly Stride[];
  readonly hardswish: readonly Stride[];
}

const variants: readonly Variant[] = [
  { name: "MobileNetV3-Small", relu: [2, 2, 1], hardswish: [2, 1, 1, 1, 1, 2, 1, 1] },
  { name: "MobileNetV3-Large", relu: [1, 2, 1, 2, 1, 1], hardswish: [2, 1, 1, 1, 1, 1, 2, 1, 1] },
];

/** torchvision's value; the state dict does not hold it. */
const BATCH_NORM_EPSILON = 0.001;

/** True where the weights carry torchvision's names of a MobileNetV3. */
export function isMobileNetV3(weights: StateDict): boolean {
  return (
    findVariant(weights) !== undefined &&
    weights.has("features.1.block.0.0.weight") &&
    weights.has("classifier.3.weight")
  );
}

/**
 * Builds torchvision's MobileNetV3 (Small or Large, any width) from its state dict. Input
 * `pixel_values` [batch, 3, height, width], output `logits` [batch, classes]; block `i` ends in
 * the value `features.i`, initializers keep their names, BatchNormalization is kept.
 * Network: Howard et al., "Searching for MobileNetV3", 2019.
 * @throws ThawError `models/missing-weight`, `models/wrong-shape`, `models/unknown-network`
 */
export function buildMobileNetV3(weights: StateDict): { name: string; model: Model } {
  const variant = findVariant(weights);
  if (variant === undefined) {
    return refuse("unknown-network", "These weights are not a MobileNetV3 as torchvision names it");
  }
  const network = new Network(weights);
  let value = network.convUnit("pixel_values", "features.0", {
    stride: 2,
    activation: "HardSwish",
  });
  let block = 1;
  for (const stride of variant.relu) {
    value = network.invertedResidual(value, `features.${block++}`, { stride, activation: "Relu" });
  }
  for (const stride of variant.hardswish) {
    value = network.invertedResidual(value, `features.${block++}`, {
      stride,
      activation: "HardSwish",
    });
  }
  value = network.convUnit(value, `features.${block}`, { stride: 1, activation: "HardSwish" });
  value = network.build.add("GlobalAveragePool", [value], {}, { output: "avgpool" });
  value = network.build.add("Flatten", [value], { axis: 1 }, { output: "flatten" });
  value = network.linear(value, "classifier.0");
  value = network.build.add("HardSwish", [value], {}, { output: "classifier.1" });
  network.linear(value, "classifier.3", "logits");
  return { name: variant.name, model: network.finish() };
}

function findVariant(weights: StateDict): Variant | undefined {
  let blocks = 0;
  while (weights.has(`features.${blocks + 1}.block.0.0.weight`)) blocks++;
  return variants.find(({ relu, hardswish }) => relu.length + hardswish.length === blocks);
}

class Network {
  readonly build = new GraphBuilder(["pixel_values", "logits"]);
  readonly #channels = new Map<string, number>([["pixel_values", 3]]);
  readonly #weights: StateDict;

  constructor(weights: StateDict) {
    this.#weights = weights;
  }

  /** Convolution, BatchNormalization and, where given, an activation; `output` names the end. */
  convUnit(
    input: string,
    prefix: string,
    options: {
      readonly stride: Stride;
      readonly activation?: Activation;
      readonly depthwise?: boolean;
      readonly output?: string;
    },
  ): string {
    const channels = this.#channelsOf(input);
    const group = options.depthwise === true ? channels : 1;
    const output = options.output ?? prefix;
    const kernel = this.#take(`${prefix}.0.weight`, [
      group === 1 ? null : channels,
      channels / group,
      null,
      null,
    ]);
    const [width = 0, , size = 0, breadth = 0] = kernel.dims;
    if (size !== breadth || size % 2 === 0) {
      refuse("wrong-shape", `${prefix}.0.weight is no odd square kernel`, { where: prefix });
    }
    const pad = (size - 1) / 2;
    const convolved = this.#node(
      "Conv",
      [input, this.#add(`${prefix}.0.weight`, kernel)],
      `${prefix}.0`,
      {
        kernel_shape: [size, size],
        strides: [options.stride, options.stride],
        pads: [pad, pad, pad, pad],
        group,
      },
    );
    const norm = ["weight", "bias", "running_mean", "running_var"].map((part) =>
      this.#parameter(`${prefix}.1.${part}`, [width]),
    );
    const { activation } = options;
    let value = this.#node(
      "BatchNormalization",
      [convolved, ...norm],
      activation === undefined ? output : `${prefix}.1`,
      { epsilon: BATCH_NORM_EPSILON },
    );
    if (activation !== undefined) value = this.#node(activation, [value], output);
    this.#channels.set(value, width);
    return value;
  }

  invertedResidual(
    input: string,
    prefix: string,
    block: { readonly stride: Stride; readonly activation: Activation },
  ): string {
    const part = (at: number) => `${prefix}.block.${at}`;
    const { activation, stride } = block;
    let value = input;
    let at = 0;
    // The expansion is left out where it would not widen; a depthwise kernel has one input channel.
    if (!this.#isDepthwise(part(0)))
      value = this.convUnit(value, part(at++), { stride: 1, activation });
    value = this.convUnit(value, part(at++), { stride, activation, depthwise: true });
    if (this.#weights.has(`${part(at)}.fc1.weight`))
      value = this.squeezeExcitation(value, part(at++));
    const projected = this.#weights.get(`${part(at)}.0.weight`)?.dims[0];
    if (stride !== 1 || projected !== this.#channelsOf(input)) {
      return this.convUnit(value, part(at), { stride: 1, output: prefix });
    }
    value = this.convUnit(value, part(at), { stride: 1 });
    const sum = this.#node("Add", [value, input], prefix);
    this.#channels.set(sum, projected);
    return sum;
  }

  squeezeExcitation(input: string, prefix: string): string {
    const channels = this.#channelsOf(input);
    const squeezed = this.#take(`${prefix}.fc1.weight`, [null, channels, 1, 1]).dims[0] ?? 0;
    const pointwise = (value: string, name: string, from: number, to: number) =>
      this.build.add(
        "Conv",
        [
          value,
          this.#parameter(`${prefix}.${name}.weight`, [to, from, 1, 1]),
          this.#parameter(`${prefix}.${name}.bias`, [to]),
        ],
        { kernel_shape: [1, 1] },
      );
    let gate = this.build.add("GlobalAveragePool", [input]);
    gate = this.build.add("Relu", [pointwise(gate, "fc1", channels, squeezed)]);
    gate = this.build.add("HardSigmoid", [pointwise(gate, "fc2", squeezed, channels)], {
      alpha: 1 / 6,
      beta: 0.5,
    });
    const scaled = this.#node("Mul", [input, gate], prefix);
    this.#channels.set(scaled, channels);
    return scaled;
  }

  linear(input: string, prefix: string, output = this.build.fresh(prefix)): string {
    const [width = 0] = this.#take(`${prefix}.weight`, [null, null]).dims;
    return this.build.add(
      "Gemm",
      [
        input,
        this.#parameter(`${prefix}.weight`, [width, null]),
        this.#parameter(`${prefix}.bias`, [width]),
      ],
      { transB: 1 },
      { output },
    );
  }

  finish(): Model {
    const classes = this.#take("classifier.3.weight", [null, null]).dims[0] ?? 0;
    const graph = this.build.build(
      "mobilenet_v3",
      [{ name: "pixel_values", type: "float32", shape: ["batch", 3, "height", "width"] }],
      [{ name: "logits", type: "float32", shape: ["batch", classes] }],
    );
    return {
      graph,
      opsets: new Map([["", 21]]),
      irVersion: 10,
      producer: "thaw",
      metadata: new Map(),
    };
  }

  #node(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    return this.build.add(op, inputs, attributes, { output: this.build.fresh(output) });
  }

  #isDepthwise(prefix: string): boolean {
    return this.#weights.get(`${prefix}.0.weight`)?.dims[1] === 1;
  }

  #channelsOf(value: string): number {
    return this.#channels.get(value) ?? 0;
  }

  #take(name: string, dims: readonly (number | null)[]): Tensor<"float32"> {
    return weight(this.#weights, name, dims);
  }

  #parameter(name: string, dims: readonly (number | null)[]): string {
    return this.#add(name, this.#take(name, dims));
  }

  #add(name: string, tensor: Tensor): string {
    // Not `build.constant`, which would tie parameters that happen to be equal.
    this.build.initializers.set(this.build.reserve(name), tensor);
    return name;
  }
}
