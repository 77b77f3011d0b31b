/** A loss curve in text. */

export interface LossCurveOptions {
  /** Columns of the plot, the scale apart; default 72. */
  readonly width?: number;
  /** Rows; default 10. */
  readonly height?: number;
}

/**
 * The losses of a run as a plot of braille dots (2 × 4 per character), each column the mean of its share of the steps,
 * with the highest and lowest of those means at the side and the number of steps below.
 */
export function lossCurve(losses: readonly number[], { width = 72, height = 10 }: LossCurveOptions = {}): string {
  const finite = losses.filter(Number.isFinite);
  if (finite.length === 0) return "";
  const columns = Math.min(2 * width, finite.length);
  const means = Array.from({ length: columns }, (_, column) => {
    const share = finite.slice(
      Math.floor((column * finite.length) / columns),
      Math.floor(((column + 1) * finite.length) / columns),
    );
    return share.reduce((sum, loss) => sum + loss, 0) / share.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const rows = 4 * height;
  const rowOf = (mean: number) => (high === low ? rows - 1 : Math.round(((high - mean) / (high - low)) * (rows - 1)));

  const cells = Array.from({ length: height }, () => new Array<number>(Math.ceil(columns / 2)).fill(0));
  means.forEach((mean, column) => {
    // A steep fall is drawn as a line, from the row after the last column's.
    const row = rowOf(mean);
    const before = column === 0 ? row : rowOf(means[column - 1]);
    const [from, to] = before < row ? [before + 1, row] : before > row ? [row, before - 1] : [row, row];
    for (let y = from; y <= to; y++) cells[y >> 2][column >> 1] |= dotBit(column & 1, y & 3);
  });

  const labels = cells.map((_, i) => (i === 0 ? label(high) : i === height - 1 ? label(low) : ""));
  const margin = Math.max(...labels.map((text) => text.length));
  const lines = cells.map(
    (row, i) => `${labels[i].padStart(margin)} ┤${String.fromCodePoint(...row.map((bits) => 0x2800 + bits))}`,
  );
  return [...lines, `${" ".repeat(margin)} └ loss over ${losses.length} steps`].join("\n");
}

const label = (loss: number): string => loss.toPrecision(4);

/** Unicode's numbering of the dots of a braille cell. */
function dotBit(x: number, y: number): number {
  return y === 3 ? 0x40 << x : 1 << (y + 3 * x);
}
