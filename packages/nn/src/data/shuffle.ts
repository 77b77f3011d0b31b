/** Reproducible orders, made on the host so that no engine has to be read. */
import { randomKey } from "@pullback/core";

/**
 * The numbers 0 to `length - 1` in the order of epoch `epoch` under `seed`: the same on every machine and backend.
 * Fisher and Yates' shuffle, drawing from Threefry keys.
 */
export function shuffledIndices(length: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  const key = randomKey(seed).foldIn(epoch);
  for (let i = length - 1; i > 0; i--) {
    const { k0, k1 } = key.foldIn(i);
    const fraction = (k0 * 2 ** 21 + (k1 >>> 11)) / 2 ** 53;
    const j = Math.floor(fraction * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
