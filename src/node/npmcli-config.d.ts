declare module "@npmcli/config/lib/definitions/index.js" {
  import type Config from "@npmcli/config";

  const npm: {
    readonly definitions: Config.DefinitionsObject;
    readonly shorthands: Config.ShortFlags;
    flatten(from: Record<string, unknown>, to: Record<string, unknown>): void;
  };
  export default npm;
}
