import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";

const openers = { darwin: "open", win32: "explorer" } as const;

/** Hands a file to the system's browser; a system without one is left alone. */
export function openInBrowser(path: string): void {
  const opener =
    process.platform in openers ? openers[process.platform as keyof typeof openers] : "xdg-open";
  const child = spawn(opener, [pathToFileURL(path).href], { detached: true, stdio: "ignore" });
  child.on("error", () => process.stderr.write("No browser could be opened here.\n"));
  child.unref();
}
