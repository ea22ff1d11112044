import { nearDuplicates } from "./near-duplicates.ts";
import type { PictureFacts } from "./picture-facts.ts";
import { UnionFind } from "./union-find.ts";

/** Groups of at least two pictures, as indices into the list given; members ascending. */
export interface Duplicates {
  /** The same bytes, or the same pixels in another encoding. */
  readonly exact: readonly (readonly number[])[];
  /** Exact groups joined with what merely looks the same; every exact group lies within one. */
  readonly alike: readonly (readonly number[])[];
  /** Pairs that look the same but are not exact copies, one picture for each exact group. */
  readonly nearPairs: readonly (readonly [number, number])[];
}

/** Finds copies and near copies. @param pictures undefined where a picture cannot be read */
export function findDuplicates(pictures: readonly (PictureFacts | undefined)[]): Duplicates {
  const sets = new UnionFind(pictures.length);
  const first = new Map<string, number>();
  pictures.forEach((facts, index) => {
    for (const key of facts === undefined ? [] : [facts.sha256, facts.pixels]) {
      const known = first.get(key);
      if (known === undefined) first.set(key, index);
      else sets.join(known, index);
    }
  });
  const exact = sets.groups();
  const singles = pictures.flatMap((facts, index) =>
    facts !== undefined && sets.find(index) === index ? [{ index, facts }] : [],
  );
  const nearPairs = nearDuplicates(
    singles.map(({ facts }) => ({
      hash: BigInt(`0x${facts.hash}`),
      thumbnail: Uint8Array.from(atob(facts.thumbnail), (char) => char.charCodeAt(0)),
      aspect: facts.width / facts.height,
    })),
  ).map(([a, b]) => [singles[a]?.index ?? 0, singles[b]?.index ?? 0] as const);
  for (const [a, b] of nearPairs) sets.join(a, b);
  return { exact, alike: sets.groups(), nearPairs };
}
