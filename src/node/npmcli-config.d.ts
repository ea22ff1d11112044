declare module "@npmcli/config/lib/definitions/index.js" {
  import type Config from "@npmcli/config";

  export const definitions: Config.DefinitionsObject;
  export const shorthands: Config.ShortFlags;
  export function flatten(from: Record<string, unknown>, to: Record<string, unknown>): void;
}
