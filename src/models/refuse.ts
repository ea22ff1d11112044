import { type Refuse, refusal } from "../onnx/refuse.ts";

/** Refuses a network. */
export const refuse: Refuse = refusal("models", "Choose another model with --model.");
