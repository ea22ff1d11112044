import { type Comparison, compare, type Moment, median, type Times } from "./job-time.ts";

/** One seed of one way of doing the job, both sides. */
export interface JobRow {
  readonly mode: "head" | "full";
  readonly batch: number;
  readonly seed: number;
  readonly thaw: Moment;
  readonly torch: readonly Moment[];
}

/** Medians over the seeds; ratios above 1 mean that Thaw was faster. */
export function jobTable(rows: readonly JobRow[]): string {
  const head = [
    "job",
    "PyTorch batch",
    "Thaw accuracy",
    "PyTorch last",
    "PyTorch best",
    "Thaw s (cpu)",
    "PyTorch s (cpu), all epochs",
    "to the same accuracy, s (cpu)",
    "same accuracy: wall, cpu",
    "PyTorch's best: wall, cpu",
    "all epochs: wall, cpu",
    "Thaw ≥ last, ≥ best",
  ];
  const name = ({ mode, batch }: JobRow) => `${mode} ${batch}`;
  const lines = [...new Set(rows.map(name))].map((own) =>
    line(rows.filter((row) => name(row) === own)),
  );
  return [head, head.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function line(rows: readonly JobRow[]): string[] {
  const found = rows.map((row) => ({ row, ...compare(row) }));
  const middle = (value: (one: Comparison & { readonly row: JobRow }) => number) =>
    median(found.map(value));
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const both = (of: (one: Comparison) => Times) =>
    `${middle((one) => of(one).wall).toFixed(1)} (${middle((one) => of(one).cpu).toFixed(1)})`;
  const ratios = (of: (one: Comparison) => Times) =>
    `${middle((one) => of(one).wall / one.row.thaw.seconds).toFixed(1)}x, ${middle((one) => of(one).cpu / one.row.thaw.cpuSeconds).toFixed(1)}x`;
  const count = (holds: (one: Comparison) => boolean) => found.filter(holds).length;
  return [
    rows[0]?.mode ?? "",
    String(rows[0]?.batch),
    percent(middle(({ row }) => row.thaw.accuracy)),
    percent(middle(({ last }) => last)),
    percent(middle(({ best }) => best)),
    `${middle(({ row }) => row.thaw.seconds).toFixed(1)} (${middle(({ row }) => row.thaw.cpuSeconds).toFixed(1)})`,
    both(({ toEnd }) => toEnd),
    both(({ toSame }) => toSame),
    ratios(({ toSame }) => toSame),
    ratios(({ toBest }) => toBest),
    ratios(({ toEnd }) => toEnd),
    `${count(({ reachedLast }) => reachedLast)}, ${count(({ reachedBest }) => reachedBest)} of ${rows.length}`,
  ];
}
