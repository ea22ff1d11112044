import { ThawError } from "../errors.ts";

const EXPORT_AGAIN =
  "Fetch the file again if it was downloaded; otherwise export the network again and check it with the exporter's own checker.";

/** Refuses a model: throws a ThawError with code `onnx/<kind>`. */
export function refuse(
  kind: string,
  what: string,
  options: { readonly where?: string; readonly next?: string; readonly cause?: unknown } = {},
): never {
  throw new ThawError(
    {
      code: `onnx/${kind}`,
      what,
      ...(options.where === undefined ? {} : { where: options.where }),
      next: options.next ?? EXPORT_AGAIN,
    },
    options.cause,
  );
}
