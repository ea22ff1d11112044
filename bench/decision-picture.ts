import { compared } from "./decision-methods.ts";
import type { Summary } from "./decision-summary.ts";

const size = { width: 760, row: 34, left: 110, right: 30, top: 46, bottom: 34 };
const colours: Readonly<Record<string, string>> = { thaw: "#0b7285" };

/** Regret of every method in every cell as a dot, the mean with its standard error as a bar. */
export function decisionPicture({ totals, cells }: Summary): string {
  const shown = totals.filter(({ method }) => compared.includes(method));
  const values = cells.flatMap((cell) =>
    compared.map((method) => cell.methods[method].regret.value),
  );
  const low = Math.min(-0.02, ...values);
  const high = Math.max(0.05, ...values);
  const x = (regret: number) =>
    size.left + ((regret - low) / (high - low)) * (size.width - size.left - size.right);
  const height = size.top + size.row * shown.length + size.bottom;
  const ticks = Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4);
  const bands = shown.map(({ method, regret }, row) => {
    const y = size.top + size.row * (row + 0.5);
    const colour = colours[method] ?? "#495057";
    const dots = cells.map(
      (cell) =>
        `<circle cx="${fixed(x(cell.methods[method].regret.value))}" cy="${fixed(y)}" r="3.5" fill="${colour}" fill-opacity=".35"><title>${cell.dataset} ${cell.amount}</title></circle>`,
    );
    const [from, to] = [regret.value - regret.standardError, regret.value + regret.standardError];
    return `<text x="${size.left - 10}" y="${fixed(y + 4)}" text-anchor="end">${method}</text>${dots.join("")}<line x1="${fixed(x(from))}" x2="${fixed(x(to))}" y1="${fixed(y)}" y2="${fixed(y)}" stroke="${colour}" stroke-width="3"/><line x1="${fixed(x(regret.value))}" x2="${fixed(x(regret.value))}" y1="${fixed(y - 9)}" y2="${fixed(y + 9)}" stroke="${colour}" stroke-width="3"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#212529"><rect width="100%" height="100%" fill="#fff"/><text x="${size.left}" y="22" font-weight="600">Regret to the best cut, accuracy points: a dot a cell, the mean with its standard error</text><line x1="${fixed(x(0))}" x2="${fixed(x(0))}" y1="${size.top}" y2="${height - size.bottom}" stroke="#adb5bd"/>${ticks
    .map(
      (tick) =>
        `<text x="${fixed(x(tick))}" y="${height - 12}" text-anchor="middle" fill="#868e96">${(100 * tick).toFixed(1)}</text>`,
    )
    .join("")}${bands.join("")}</svg>\n`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
