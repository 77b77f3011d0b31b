/** What data is: samples by index, or batches one after another. */

/** Samples by index, such as an array. */
export interface Dataset<Sample> {
  readonly length: number;
  /** The sample at `index`, 0 to `length - 1`. */
  at(index: number): Sample | undefined;
}

/** Batches in a reproducible order: what `fit` trains on. `DataLoader` is one. */
export interface Batches<Batch> {
  /** Batches per epoch; `undefined` where that is not known before they are read. */
  readonly length: number | undefined;
  /**
   * The batches of epoch `n` (from 0), without the first `skip` ones. It must give the same batches each time it is
   * asked for the same number: an exact resume rests on that.
   */
  epoch(n: number, skip?: number): Iterable<Batch> | AsyncIterable<Batch>;
}

/** Anything that can be iterated over again and again as batches: every epoch is the same. */
export function asBatches<Batch>(data: Batches<Batch> | Iterable<Batch> | AsyncIterable<Batch>): Batches<Batch> {
  if ("epoch" in data) return data;
  return {
    length: Array.isArray(data) ? data.length : undefined,
    async *epoch(_, skip = 0) {
      let position = 0;
      for await (const batch of data) if (position++ >= skip) yield batch;
    },
  };
}
