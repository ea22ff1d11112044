/**
 * Lays rows out in columns two spaces apart, no line wider than `width`. Numbers align right;
 * where it is too tight, the widest text column is shortened.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  width = 80,
): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => printable(String(cell))));
  const right = header.map((_, column) => rows.every((row) => isNumeric(row[column])));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => size(row[column]))));
  const spare = () => width - widths.reduce((sum, value) => sum + value, 2 * (widths.length - 1));
  while (spare() < 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= 8) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return cells
    .map((row) =>
      row
        .map((cell, column) => fit(cell, widths[column] ?? 0, right[column] ?? false))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A name from a file system made safe for a terminal: no escape sequences, no line breaks. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, "\ufffd");
}

/** Breaks lines at spaces so that none is wider than `width`; `indent` leads every line. */
export function wrap(text: string, width = 80, indent = ""): string {
  return text
    .split("\n")
    .map((line) => wrapLine(line, width, indent))
    .join("\n");
}

function wrapLine(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + size(line) + 1 + size(word) > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, indent + line].join("\n");
}

function size(text = ""): number {
  return [...text].length;
}

/** At most `width` characters, an ellipsis for what is cut out: a path keeps its file's name. */
export function shorten(text: string, width = 80): string {
  const letters = [...text];
  if (letters.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  const head = width - 1 - tail;
  return `${letters.slice(0, head).join("")}\u2026${letters.slice(letters.length - tail).join("")}`;
}

function fit(text: string, width: number, right: boolean): string {
  const cut = shorten(text, width);
  const padding = " ".repeat(Math.max(0, width - size(cut)));
  return right ? padding + cut : cut + padding;
}

function isNumeric(cell: string | number | undefined): boolean {
  return typeof cell === "number" || /^[\d.,\s+\u2009\u2212-]+( ?%| s| MB)?$/.test(cell ?? "");
}
