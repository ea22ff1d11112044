import { ThawError } from "../errors.ts";

/** Throws a ThawError with code `models/<kind>`. */
export function refuse(
  kind: string,
  what: string,
  options: { readonly where?: string; readonly next?: string; readonly cause?: unknown } = {},
): never {
  throw new ThawError(
    {
      code: `models/${kind}`,
      what,
      ...(options.where === undefined ? {} : { where: options.where }),
      next: options.next ?? "Choose another model with --model.",
    },
    options.cause,
  );
}
