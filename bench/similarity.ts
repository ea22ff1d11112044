import { join, resolve } from "node:path";
import { Command } from "commander";
import { randomFor } from "../src/data/random.ts";
import { openLoader } from "../src/job/inspect.ts";
import { openNetwork } from "../src/job/network.ts";
import { parseOptions, trainOptions } from "../src/job/options.ts";
import { survey } from "../src/job/survey.ts";
import { DEFAULT_MODEL } from "../src/models/catalog.ts";
import { datasetFolders } from "./dataset-folders.ts";
import { openFolder } from "./decision-cell.ts";

const options = new Command()
  .name("bench:similarity")
  .description("How steady the similarity verdict is over random draws of one folder's pictures")
  .option("--data <folder>", "folder of folders of pictures", "../shared/data")
  .option("--datasets <names...>", "these alone")
  .option("--model <spec>", "pretrained network", DEFAULT_MODEL.spec)
  .option("--draws <n>", "draws a folder", Number, 20)
  .option("--pictures <n>", "pictures a draw", Number, 200)
  .parse()
  .opts<{ data: string; datasets?: string[]; model: string; draws: number; pictures: number }>();

const root = resolve(options.data);
const names = options.datasets ?? (await datasetFolders(root));

console.log("| folder | similar | ambiguous | dissimilar | score, mean (sd) | agree |");
console.log("|---|---|---|---|---|---|");
for (const name of names) console.log(`| ${(await steadiness(name)).join(" | ")} |`);

/** The verdicts on draws of one folder; the rest of the folder stands aside. */
async function steadiness(name: string): Promise<(string | number)[]> {
  const asked = parseOptions(trainOptions, { model: options.model });
  const pictures = await openFolder(join(root, name));
  const network = await openNetwork(asked, {});
  const loader = openLoader(pictures, network, asked, {});
  const counts = { similar: 0, ambiguous: 0, dissimilar: 0 };
  const scores: number[] = [];
  try {
    for (let draw = 0; draw < options.draws; draw++) {
      const order = randomFor("similarity", draw).shuffle([...pictures.sides.keys()]);
      const drawn = new Set(order.slice(0, options.pictures));
      const sides = pictures.sides.map((_, i) => (drawn.has(i) ? "train" : "test"));
      const { measured } = await survey({ ...pictures, sides }, network, loader, asked, {});
      counts[measured.similarity.verdict]++;
      scores.push(measured.similarity.score);
    }
  } finally {
    await loader.close();
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const deviation = Math.sqrt(
    scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length,
  );
  const { similar, ambiguous, dissimilar } = counts;
  const agree = (Math.max(similar, dissimilar) + ambiguous) / options.draws;
  return [
    ...[name, similar, ambiguous, dissimilar],
    `${mean.toFixed(2)} (${deviation.toFixed(2)})`,
    `${Math.round(100 * agree)} %`,
  ];
}
