/** The definition of Threefry-2x32 with 20 rounds, one block at a time: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). */

export const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
/** The key schedule's constant, C240 of Threefish for 32-bit words. */
export const parity = 0x1bd11bda;

/** The two words of block (c0, c1) under key (k0, k1), written to `out[at]` and, if it is inside, `out[at + 1]`. */
export function threefry2x32(
  k0: number,
  k1: number,
  c0: number,
  c1: number,
  out: { [index: number]: number; readonly length: number },
  at: number,
): void {
  const key = [k0 | 0, k1 | 0, k0 ^ k1 ^ parity];
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = rotations[round & 7];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0;
    if ((round & 3) === 3) {
      const injection = (round + 1) >> 2;
      x0 = (x0 + key[injection % 3]) | 0;
      x1 = (x1 + key[(injection + 1) % 3] + injection) | 0;
    }
  }
  out[at] = x0;
  if (at + 1 < out.length) out[at + 1] = x1;
}
