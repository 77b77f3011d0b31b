/**
 * Arrays of numbers that derivatives use while they run, kept from one call to the next: fresh ones would cost more than
 * the arithmetic on them, since the system hands out zeroed pages one fault at a time.
 */

/** Arrays have 2^10, 2^11, … 2^22 entries: a list of free ones for each. Longer ones are made and left to the collector. */
const smallest = 10;
const largest = 22;
const free: Float64Array[][] = Array.from({ length: largest - smallest + 1 }, () => []);

/** Bytes that may lie in the lists. */
const limit = 64 * 2 ** 20;
let kept = 0;

/** An array of at least `length` float64 entries, whatever they hold. */
export function borrow(length: number): Float64Array {
  const power = length <= 1024 ? smallest : 32 - Math.clz32(length - 1);
  if (power > largest) return new Float64Array(length);
  const found = (free[power - smallest] as Float64Array[]).pop();
  if (found === undefined) return new Float64Array(2 ** power);
  kept -= found.byteLength;
  return found;
}

/** The end of a loan: the array may be handed out again. */
export function giveBack(array: Float64Array): void {
  const { length, byteLength } = array;
  const list = free[31 - Math.clz32(length) - smallest];
  if (list === undefined || kept + byteLength > limit) return;
  kept += byteLength;
  list.push(array);
}
