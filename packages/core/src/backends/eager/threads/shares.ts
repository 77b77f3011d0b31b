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
