import type { Dimension, Model, ValueInfo } from "../onnx/graph.ts";
import { renameValues } from "../onnx/rename.ts";
import { namesInUse } from "../onnx/values.ts";
import { refuse } from "./refuse.ts";

/**
 * The image input of a network: its one input, float32 [N, 3, H, W].
 * @throws ThawError `models/no-image-input`
 */
export function imageInput(model: Model): ValueInfo & { readonly shape: readonly Dimension[] } {
  const [input, ...others] = model.graph.inputs;
  if (input === undefined) return noImage("it takes no input");
  if (others.length > 0) {
    return noImage(`it takes ${model.graph.inputs.map(({ name }) => name).join(", ")}`);
  }
  const { name, type, shape } = input;
  if (shape?.length !== 4) return noImage(`${name} is no batch of pictures (four dimensions)`);
  if (type !== "float32") return noImage(`${name} holds ${type} values, not float32`);
  const channels = shape[1];
  if (typeof channels === "number" && channels !== 3) {
    return noImage(`${name} has ${channels} channels where colour pictures have 3`);
  }
  return { name, type, shape };
}

function noImage(reason: string): never {
  return refuse(
    "no-image-input",
    `This network does not take one batch of colour pictures: ${reason}`,
    {
      next: "Export the network with one float32 input [batch, 3, height, width].",
    },
  );
}

/**
 * The network with its input declared as a batch of any size and, where given, pictures of
 * `height` x `width` pixels (a name for any); without them the declared size stays. Whether the network allows the
 * size shows when it runs. Declarations of intermediates, which would contradict, are left out.
 */
export function withInputSize(
  model: Model,
  size?: { readonly height: Dimension; readonly width: Dimension },
): Model {
  const input = imageInput(model);
  const [, channels = 3, height = null, width = null] = input.shape;
  const shape = ["batch", channels, size?.height ?? height, size?.width ?? width];
  return {
    ...model,
    graph: {
      ...model.graph,
      inputs: [{ ...input, shape }],
      outputs: model.graph.outputs.map((output) => ({ ...output, shape: anyBatch(output) })),
      values: new Map(),
    },
  };
}

function anyBatch({ shape }: ValueInfo): readonly Dimension[] | null {
  return shape === null || shape.length === 0 ? shape : ["batch", ...shape.slice(1)];
}

/**
 * Lets a network that takes [N, H, W, 3] take [N, 3, H, W] by a Transpose in front; a network that
 * does already is returned as it is.
 */
export function channelsFirst(model: Model): Model {
  const [input, ...others] = model.graph.inputs;
  const shape = input?.shape;
  if (input === undefined || others.length > 0 || shape?.length !== 4) return model;
  if (shape[3] !== 3 || shape[1] === 3) return model;
  const inner = `${input.name}_nhwc`;
  if (namesInUse(model.graph).has(inner)) return model;
  const graph = renameValues(model.graph, new Map([[input.name, inner]]));
  const [batch = null, height = null, width = null] = shape;
  return {
    ...model,
    graph: {
      ...graph,
      inputs: [{ ...input, shape: [batch, 3, height, width] }],
      nodes: [
        {
          name: `${inner}_transpose`,
          op: "Transpose",
          domain: "",
          inputs: [input.name],
          outputs: [inner],
          attributes: { perm: { kind: "ints", value: [0, 2, 3, 1] } },
        },
        ...graph.nodes,
      ],
    },
  };
}
