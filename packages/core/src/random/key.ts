/**
 * Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel Random Numbers: As Easy
 * as 1, 2, 3"). A key is a value; splitting it gives independent keys, on every backend the same bits.
 */

const rotations: readonly number[] = [13, 15, 26, 6, 17, 29, 16, 24];
const parity = 0x1bd11bda;

/** The two output words for a key and a counter, as uint32. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const schedule = [k0 | 0, k1 | 0, parity ^ k0 ^ k1];
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let round = 0; round < 20; round++) {
    const by = rotations[round % 8]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << by) | (x1 >>> (32 - by))) ^ x0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + schedule[injection % 3]!) | 0;
      x1 = (x1 + schedule[(injection + 1) % 3]! + injection) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Counters above this belong to key derivation, so that derived keys never repeat a key's own numbers. */
const derivation = 0x80000000;

/** An immutable random key: the same key gives the same numbers, always and everywhere. */
export class RandomKey {
  /** Two words of 32 bits. */
  constructor(
    readonly k0: number,
    readonly k1: number,
  ) {}

  /** Independent keys; use each once, and this one no more. */
  split(count = 2): RandomKey[] {
    return Array.from({ length: count }, (_, i) => this.derive(i, 1));
  }

  /** The key for step or example `n`. */
  foldIn(n: number): RandomKey {
    return this.derive(n, 0);
  }

  private derive(n: number, kind: number): RandomKey {
    const high = Math.floor(n / 2 ** 32) & 0x3fffffff;
    const [k0, k1] = threefry2x32(this.k0, this.k1, n >>> 0, (derivation | (kind << 30) | high) >>> 0);
    return new RandomKey(k0, k1);
  }
}

/** A key from a seed (a whole number up to 2^53, negative ones included). */
export function randomKey(seed: number): RandomKey {
  const high = Math.floor(seed / 2 ** 32);
  return new RandomKey(high >>> 0, seed >>> 0);
}
