/**
 * The modules a node stands in, outermost first, each by its full name (`features`, `features.7`,
 * ...), read from the name of its weight or, where
 * the exporter made that up, of the node itself:
 * `features.7.block.3.1.weight`, `/layer1/layer1.0/conv1/Conv`, `block_5_project/Conv2D`,
 * `150_block_16_project.weight`.
 */
export function modulePath(weightName: string, nodeName: string): string[] {
  const ofWeight = split(weightName);
  return ofWeight.length > 0 ? ofWeight : split(nodeName);
}

const madeUp = /^(onnx::|val_|const|initializer|graph_|node_|_?\d*$)/i;
/** The last part of a name says which tensor or operator it is, not where it stands. */
const leaf = /^(weight|bias|kernel|gamma|beta|conv|gemm|matmul|conv2d)$/i;
/** How exporters and people number blocks: `7`, `layer1`, `block2a`; not `expand3x3`. */
const numbered = /^\D*\d+[a-z]?$/;

function split(name: string): string[] {
  if (madeUp.test(name)) return [];
  const scopes: string[] = [];
  for (const scope of name
    .replace(/_folded$/, "")
    .split("/")
    .filter((part) => part !== "")) {
    const outer = scopes.at(-1);
    // PyTorch repeats the outer module inside an inner one of a Sequential: layer1/layer1.0.
    if (outer !== undefined && scope.startsWith(`${outer}.`)) scopes.pop();
    scopes.push(scope);
  }
  const parts = scopes.join(".").split(".");
  if (parts.length > 1 && leaf.test(parts.at(-1) ?? "")) parts.pop();
  if (parts.length > 1) return prefixes(parts, ".");
  // Keras separates with underscores; a leading number only counts layers.
  const words = (parts[0] ?? "").replace(/^\d+_/, "").split("_");
  return prefixes(
    words.filter((word) => word !== ""),
    "_",
  );
}

function prefixes(parts: readonly string[], separator: string): string[] {
  return parts.map((_, at) => parts.slice(0, at + 1).join(separator));
}

/**
 * Names for the blocks of a network: for each weighted node, in order, the name of its block, at
 * the outermost level of module nesting with at least `wanted` numbered blocks that end in a cut,
 * else at the level with most of them.
 * @param paths module path of each weighted node
 * @param cutAfter whether there is a cut between this weighted node and the next
 * @returns undefined where names do not group consecutive nodes into a handful of blocks
 */
export function blockNames(
  paths: readonly (readonly string[])[],
  cutAfter: readonly boolean[],
  wanted: number,
): string[] | undefined {
  let best: { names: string[]; all: number; numbered: number } | undefined;
  const deepest = Math.max(0, ...paths.map((path) => path.length));
  for (let level = 1; level <= deepest; level++) {
    const names = paths.map((path) => path[level - 1] ?? path.at(-1) ?? "");
    if (names.includes("") || !isContiguous(names)) continue;
    const ending = new Set(names.filter((_, at) => cutAfter[at] === true));
    const count = [...ending].filter((name) => numbered.test(lastWord(name))).length;
    if (best === undefined || count > best.numbered) {
      best = { names, all: ending.size, numbered: count };
    }
    if (count >= wanted) break;
  }
  return best !== undefined && best.all >= FEWEST_BLOCKS ? best.names : undefined;
}

const FEWEST_BLOCKS = 3;

function lastWord(name: string): string {
  return name.split(/[-_.]/).at(-1) ?? "";
}

function isContiguous(names: readonly string[]): boolean {
  const runs = names.filter((name, at) => name !== names[at - 1]);
  return new Set(runs).size === runs.length;
}
