import Config from "@npmcli/config";
import npm from "@npmcli/config/lib/definitions/index.js";

/** npm's settings for this user and folder (registry, scopes, tokens, proxy), in pacote's form. */
export async function npmSettings(): Promise<Record<string, unknown>> {
  const config = new Config({
    definitions: npm.definitions,
    shorthands: npm.shorthands,
    flatten: npm.flatten,
    // The settings built into an npm installation would be read from here; there is none.
    npmPath: import.meta.dirname,
    argv: [],
    env: process.env,
    execPath: process.execPath,
    platform: process.platform,
    cwd: process.cwd(),
  });
  await config.load();
  return config.flat;
}
