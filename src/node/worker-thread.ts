import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a module of this package on a thread of its own, compiled or, in development and tests,
 * from the TypeScript source (Node's `--import tsx` does not reach worker threads before Node 22).
 * @param name the module's name without its ending, relative to `base`
 * @param base `import.meta.url` of the caller
 */
export function startWorker(name: string, base: string, options: WorkerOptions): Worker {
  if (!base.endsWith(".ts")) return new Worker(new URL(`${name}.js`, base), options);
  const module = new URL(`${name}.ts`, base).href;
  const loader = createRequire(base)
    .resolve("tsx/esm/api")
    .replace(/\.cjs$/, ".mjs");
  const start = `import { register } from ${JSON.stringify(pathToFileURL(loader).href)};
register();
await import(${JSON.stringify(module)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), options);
}
