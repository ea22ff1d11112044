/** An Einsum equation with its ellipsis written out and its output explicit. */
export interface Equation {
  /** Labels of each operand, one letter an axis; one that stands twice takes a diagonal. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** Size of each label; where operands broadcast, the larger one. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Letters that stand nowhere in the equation. */
  readonly spare: string;
}

/** Resolves ellipses and implicit outputs against the operands' dimensions. */
export function explicitEquation(equation: string, dims: readonly (readonly number[])[]): Equation {
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  const hidden = terms.map((term, index) =>
    term.includes("...") ? (dims[index]?.length ?? 0) - term.replace("...", "").length : 0,
  );
  const unused = unusedLetters(equation);
  const free = unused.slice(0, Math.max(0, ...hidden));
  const inputs = terms.map((term, index) =>
    term.replace("...", free.slice(free.length - (hidden[index] ?? 0))),
  );
  const output = right?.replace("...", free) ?? free + implicitOutput(terms);
  const sizes = new Map<string, number>();
  for (const [index, labels] of inputs.entries()) {
    [...labels].forEach((label, axis) => {
      sizes.set(label, Math.max(sizes.get(label) ?? 1, dims[index]?.[axis] ?? 1));
    });
  }
  return { inputs, output, sizes, spare: unused.slice(free.length) };
}

function unusedLetters(equation: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return [...letters].filter((letter) => !equation.includes(letter)).join("");
}

/** Labels that stand once, in alphabetical order. */
function implicitOutput(terms: readonly string[]): string {
  const labels = [...terms.join("").replaceAll(".", "")];
  return labels
    .filter((label) => labels.indexOf(label) === labels.lastIndexOf(label))
    .sort()
    .join("");
}
