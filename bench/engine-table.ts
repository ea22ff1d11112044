import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Side {
  readonly ms: number;
  readonly megabytes: number;
}

export interface Row {
  readonly network: string;
  readonly case: string;
  readonly sessionMs: number;
  readonly thaw: Side;
  readonly default: Side;
  readonly channels_last: Side;
}

/** Peak resident memory of one side running one case in a fresh process. */
export async function peakMegabytes(side: string, network: string, name: string): Promise<number> {
  const script = fileURLToPath(new URL("engine.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    script,
    ...["--alone", side, "--network", network, "--case", name],
  ]);
  return Number(stdout);
}

/** A Markdown table; ratios above 1 mean that Thaw is faster, or needs less. */
export function table(rows: readonly Row[]): string {
  const head = [
    "network | case | Thaw ms | PyTorch ms | channels_last ms | speed against default",
    "against channels_last | Thaw MB | PyTorch MB | channels_last MB | session ms",
  ].join(" | ");
  const lines = rows.map(
    ({ network, case: name, thaw, default: plain, channels_last: last, sessionMs }) =>
      [
        network,
        name,
        ...[thaw, plain, last].map(({ ms }) => ms.toFixed(ms < 100 ? 1 : 0)),
        ...[plain, last].map(({ ms }) => (ms / thaw.ms).toFixed(2)),
        ...[thaw, plain, last].map(({ megabytes }) => megabytes.toFixed(0)),
        sessionMs.toFixed(0),
      ].join(" | "),
  );
  const rule = head.replace(/[^|]+/g, "---").replaceAll("|", " | ");
  return [head, rule, ...lines].map((line) => `| ${line} |`).join("\n");
}
