// Numbers and choices from a seed.

/** A generator of numbers in [0, 1) (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What a generator of programs asks of it. */
export class Choices {
  #next;

  constructor(seed) {
    this.#next = random(seed);
  }

  int(n) {
    return Math.floor(this.#next() * n);
  }

  chance(p) {
    return this.#next() < p;
  }

  one(list) {
    return list[this.int(list.length)];
  }

  /** One of `[weight, value]`, as often as its weight says. */
  weighted(list) {
    let left = this.#next() * list.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    return list.at(-1)[1];
  }

  /** A number as it is written, between -2 and 2, never 0. */
  constant() {
    return (Math.round((this.#next() * 4 - 2) * 100) / 100 || 0.5).toString();
  }
}
