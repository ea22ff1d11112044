import { posix } from "node:path";

/** Small files beside a model that say how to use it. */
export const PREPROCESSOR_CONFIG = "preprocessor_config.json";
export const CONFIG = "config.json";

/**
 * A model file and what may belong to it: configuration in its folder or, where the model stands
 * in a folder `onnx/`, in the one above, and external weights under the usual names.
 */
export function companionsOf(path: string): string[] {
  const folder = posix.dirname(path);
  const folders = posix.basename(folder) === "onnx" ? [posix.dirname(folder), folder] : [folder];
  const configs = folders.flatMap((at) =>
    [PREPROCESSOR_CONFIG, CONFIG].map((name) => posix.join(at, name)),
  );
  return [path, ...configs, `${path}_data`, `${path}.data`];
}
