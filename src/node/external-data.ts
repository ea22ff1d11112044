import { open, realpath, stat } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { ThawError } from "../errors.ts";
import type { ExternalData } from "../onnx/external.ts";

/** Weights stored beside a model file; nothing outside of its folder is read, links included. */
export function externalData(modelPath: string): ExternalData {
  const folder = dirname(resolve(modelPath));
  return {
    async read(location, offset, length) {
      const path = await realpath(resolve(folder, location)).catch((cause) => {
        throw missing(location, cause);
      });
      const inside = relative(await realpath(folder), path);
      if (inside === ".." || inside.startsWith(`..${sep}`) || resolve(inside) === inside) {
        throw new ThawError({
          code: "node/outside-folder",
          what: "The model's weights lie outside of its folder",
          where: location,
          next: "Put the data file itself, not a link to it, beside the model.",
        });
      }
      const { size } = await stat(path);
      if (offset + length > size) {
        throw new ThawError({
          code: "node/external-range",
          what: "The file with the model's weights is too short",
          where: location,
          next: "Fetch the data file again; it belongs to another model or is cut off.",
        });
      }
      const bytes = new Uint8Array(length);
      const file = await open(path, "r");
      try {
        let at = 0;
        while (at < length) {
          const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
          if (bytesRead === 0) throw missing(location);
          at += bytesRead;
        }
      } finally {
        await file.close();
      }
      return bytes;
    },
  };
}

function missing(location: string, cause?: unknown): ThawError {
  return new ThawError(
    {
      code: "node/external-missing",
      what: "The file with the model's weights is missing or unreadable",
      where: location,
      next: "Put it beside the model, under the name the model expects.",
    },
    cause,
  );
}
