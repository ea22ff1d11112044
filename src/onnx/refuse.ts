import { type FaultCode, ThawError } from "../errors.ts";

/** Throws a ThawError of one folder, with code `<folder>/<kind>`. */
export type Refuse = (
  kind: string,
  what: string,
  options?: { readonly where?: string; readonly next?: string; readonly cause?: unknown },
) => never;

/** @param advice what to do next wherever a refusal says nothing better */
export function refusal(folder: "onnx" | "models", advice: string): Refuse {
  return (kind, what, { where, next = advice, cause } = {}) => {
    const code: FaultCode = `${folder}/${kind}`;
    throw new ThawError({ code, what, ...(where === undefined ? {} : { where }), next }, cause);
  };
}

/** Refuses a model's file. */
export const refuse: Refuse = refusal(
  "onnx",
  "Fetch the file again if it was downloaded; otherwise export the network again and check it with the exporter's own checker.",
);
