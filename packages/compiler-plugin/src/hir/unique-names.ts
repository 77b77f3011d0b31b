/** Names none of which occurs twice: `x`, `x_1`, `x_2`, …, found in constant time however many there are. */
export class UniqueNames {
  private readonly taken: Set<string>;
  /** Where to go on counting for a base. */
  private readonly counts = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.taken = new Set(taken);
  }

  unique(base: string): string {
    let name = base;
    let n = this.counts.get(base) ?? 1;
    for (; this.taken.has(name); n++) name = `${base}_${n}`;
    this.counts.set(base, n);
    this.taken.add(name);
    return name;
  }
}
