import { z } from "zod";
import { ThawError } from "../errors.ts";
import type { Network } from "./network.ts";
import { json, type Steps } from "./steps.ts";

const known = z.object({ sha256: z.string() });

/**
 * Makes sure that a resumed run goes on with the network it began with.
 * @throws ThawError `job/model-changed`
 */
export async function checkSameNetwork(
  { pretrained }: Network,
  steps: Steps,
  where: string,
): Promise<void> {
  const { sha256 } = pretrained.provenance;
  const before = await steps.once("network", json(known), async () => ({ sha256 }));
  if (before.sha256 === sha256) return;
  throw new ThawError({
    code: "job/model-changed",
    what: "The model's file has changed since this run began",
    where,
    next: "Put it back, or begin a new run with `thaw train`.",
    details: { before: before.sha256, now: sha256 },
  });
}
