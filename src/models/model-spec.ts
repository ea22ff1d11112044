import { ThawError } from "../errors.ts";

/** `npm:<package>@<version>/<path>` taken apart. */
export interface NpmSpec {
  readonly name: string;
  readonly version: string;
  /** Inside the package, with `/`. */
  readonly path: string;
}

/** `hf:<org>/<name>[@revision][/<path>]` taken apart. */
export interface HubSpec {
  readonly repo: string;
  readonly revision: string;
  readonly path?: string;
}

const npmPattern =
  /^npm:(?<name>(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)@(?<version>\d+\.\d+\.\d+[\w.+-]*)\/(?<path>[^\\:]+)$/i;
const hubPattern =
  /^hf:(?<repo>[\w.-]+\/[\w.-]+)(?:@(?<revision>[\w.-]+))?(?:\/(?<path>[^\\:]+))?$/;

/**
 * Reads a specifier. The version must be exact: the same command must give the same model.
 * @throws ThawError `node/bad-spec`
 */
export function parseNpmSpec(spec: string): NpmSpec {
  const { name, version, path } = npmPattern.exec(spec)?.groups ?? {};
  const unsafe = path?.split("/").some((part) => part === "" || part === "." || part === "..");
  if (name === undefined || version === undefined || path === undefined || unsafe !== false) {
    throw new ThawError({
      code: "node/bad-spec",
      what: "This is not a model in an npm package",
      where: spec,
      next: "Write npm:<package>@<exact version>/<path>, for example npm:some-model@1.2.3/model.onnx.",
    });
  }
  return { name, version, path };
}

/**
 * Reads a specifier.
 * @throws ThawError `node/bad-spec`
 */
export function parseHubSpec(spec: string): HubSpec {
  const { repo, revision, path } = hubPattern.exec(spec)?.groups ?? {};
  const unsafe = [...(repo ?? "..").split("/"), ...(path ?? "a").split("/")].some(
    (part) => part === "" || part === "." || part === "..",
  );
  if (repo === undefined || unsafe) {
    throw new ThawError({
      code: "node/bad-spec",
      what: "This is not a model on the Hugging Face hub",
      where: spec,
      next: "Write hf:<org>/<name>, optionally with @<revision> and /<path>.",
    });
  }
  return { repo, revision: revision ?? "main", ...(path === undefined ? {} : { path }) };
}
