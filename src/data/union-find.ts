/** Sets of the numbers 0 to `size` - 1 that can be joined. */
export class UnionFind {
  readonly #parents: Int32Array;

  constructor(size: number) {
    this.#parents = Int32Array.from({ length: size }, (_, i) => i);
  }

  /** The smallest member of the set. */
  find(member: number): number {
    let root = member;
    while (this.#parents[root] !== root) root = this.#parents[root] ?? root;
    for (let at = member; at !== root; ) {
      const next = this.#parents[at] ?? root;
      this.#parents[at] = root;
      at = next;
    }
    return root;
  }

  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    this.#parents[Math.max(x, y)] = Math.min(x, y);
  }

  /** The sets with at least two members, members ascending, ordered by their first. */
  groups(): number[][] {
    const sets = new Map<number, number[]>();
    for (let member = 0; member < this.#parents.length; member++) {
      const root = this.find(member);
      const set = sets.get(root);
      if (set === undefined) sets.set(root, [member]);
      else set.push(member);
    }
    return [...sets.values()].filter((set) => set.length > 1);
  }
}
