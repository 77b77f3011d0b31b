/** Dividing a range between threads. */

/** From one unit to the next. */
export interface Share {
  readonly start: number;
  readonly size: number;
}

/**
 * Equal shares of `count` units, at most `parts` of them, each but the last a multiple of `step`. No share is smaller
 * than `least`, so that little work stays in one piece.
 */
export function shares(count: number, parts: number, step = 1, least = 1): Share[] {
  const most = Math.max(1, Math.min(parts, Math.floor(count / least)));
  const size = Math.ceil(Math.ceil(count / most) / step) * step;
  const result: Share[] = [];
  for (let start = 0; start < count; start += size) result.push({ start, size: Math.min(size, count - start) });
  return result;
}

/** The part of what remains for a thread that a guided share takes. */
const eagerness = 0.75;

/**
 * Shares that grow smaller, each but the last a multiple of `step`: whoever is done takes the next, so that a thread that
 * the machine holds up costs little (Polychronopoulos and Kuck, "Guided self-scheduling", 1987). None but the last is
 * smaller than `least`, none larger than `most` (but one step).
 */
export function guidedShares(count: number, threads: number, step: number, least: number, most = count): Share[] {
  if (threads === 1) return count === 0 ? [] : [{ start: 0, size: count }];
  const result: Share[] = [];
  for (let start = 0; start < count; ) {
    const wanted = Math.min(Math.max(least, ((count - start) * eagerness) / threads), most);
    const size = Math.min(Math.ceil(wanted / step) * step, count - start);
    result.push({ start, size });
    start += size;
  }
  return result;
}
