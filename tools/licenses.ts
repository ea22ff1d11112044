import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

const lock = z
  .object({
    packages: z.record(
      z.string(),
      z.object({
        version: z.string().optional(),
        license: z.string().optional(),
        integrity: z.string().optional(),
        dev: z.boolean().optional(),
        optional: z.boolean().optional(),
        hasInstallScript: z.boolean().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync("package-lock.json", "utf8")));

const manifest = z.object({ license: z.string().optional() }).loose();

const rows = Object.entries(lock.packages)
  .filter(([path, entry]) => path !== "" && entry.dev !== true)
  .map(([path, entry]) => {
    const file = `${path}/package.json`;
    const installed = existsSync(file)
      ? manifest.parse(JSON.parse(readFileSync(file, "utf8"))).license
      : undefined;
    return {
      name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version: entry.version ?? "",
      license: entry.license ?? installed ?? "UNKNOWN",
      integrity: entry.integrity !== undefined,
      script: entry.hasInstallScript === true,
    };
  });

for (const row of rows) {
  console.log(
    `${row.name}@${row.version}\t${row.license}${row.script ? "\tinstall script (not needed)" : ""}`,
  );
}
const unknown = rows.filter((row) => row.license === "UNKNOWN" || !row.integrity);
if (unknown.length > 0) {
  console.error(`Without licence or integrity: ${unknown.map((row) => row.name).join(", ")}`);
  process.exitCode = 1;
}
