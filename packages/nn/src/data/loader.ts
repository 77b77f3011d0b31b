/** Batches from a data set, in an order that a seed decides. */
import type { NoDerivative } from "@pullback/autodiff";
import { DataError } from "../errors.ts";
import { type Collated, collate } from "./collate.ts";
import type { Batches, Dataset } from "./dataset.ts";
import { shuffledIndices } from "./shuffle.ts";

export interface DataLoaderOptions<Sample, Batch> {
  readonly batchSize: number;
  /** Whether each epoch has an order of its own; default false. */
  readonly shuffle?: boolean;
  /** Decides the orders; default 0. */
  readonly seed?: number;
  /** Whether a last batch that is not full is left out; default false. */
  readonly dropLast?: boolean;
  /**
   * Puts samples of like length into one batch, so that padding wastes little: within every `window` batches (default
   * 16) of the epoch's order samples are sorted by this length, and the batches of each window are shuffled again.
   */
  readonly bucketBy?: (sample: Sample) => number;
  readonly window?: number;
  /** Makes a batch from samples; by default tensors are stacked (`collate`). */
  readonly collate?: (samples: readonly Sample[]) => Batch;
}

/**
 * Iterates over a data set (an array, `TokenWindows`, anything with `length` and `at`) in batches. Each iteration is
 * the next epoch; `epoch(n)` gives any one, and depends on nothing but the options and n, so that a resumed run sees
 * exactly what an uninterrupted one would.
 *
 * @throws DataError PB7201 for an empty data set, an impossible batch size, or one batch that is never full
 */
export class DataLoader<Sample, Batch = Collated<Sample>> implements Batches<Batch>, Iterable<Batch> {
  readonly #data: Dataset<Sample>;
  readonly #options: DataLoaderOptions<Sample, Batch>;
  #next = 0;

  constructor(data: Dataset<Sample>, options: DataLoaderOptions<Sample, Batch>) {
    const { batchSize, dropLast = false } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new DataError(`the batch size is ${batchSize}`, { code: "PB7201", hint: "Give a whole number from 1." });
    }
    if (data.length === 0) throw new DataError("the data set is empty", { code: "PB7201", hint: "Check its source." });
    if (dropLast && data.length < batchSize) {
      throw new DataError(
        `${data.length} samples do not fill one batch of ${batchSize}, and dropLast leaves out the rest`,
        {
          code: "PB7201",
          hint: "Use a smaller batch, or dropLast: false.",
        },
      );
    }
    this.#data = data;
    this.#options = options;
  }

  /** Batches per epoch. */
  get length(): NoDerivative<number> {
    const { batchSize, dropLast = false } = this.#options;
    return (dropLast ? Math.floor : Math.ceil)(this.#data.length / batchSize);
  }

  *epoch(n: number, skip = 0): Generator<Batch, void, undefined> {
    const { batchSize, shuffle = false, seed = 0 } = this.#options;
    const make = this.#options.collate ?? (collate as (samples: readonly Sample[]) => Batch);
    const shuffled = shuffle ? shuffledIndices(this.#data.length, seed, n) : undefined;
    const order = this.#options.bucketBy === undefined ? shuffled : this.#bucketed(shuffled, n);
    for (let batch = skip; batch < this.length; batch++) {
      const start = batch * batchSize;
      const count = Math.min(batchSize, this.#data.length - start);
      yield make(Array.from({ length: count }, (_, i) => this.#sample(order?.[start + i] ?? start + i)));
    }
  }

  [Symbol.iterator](): Generator<Batch, void, undefined> {
    return this.epoch(this.#next++);
  }

  /** The order in which samples of like length stand together. */
  #bucketed(order: Uint32Array | undefined, n: number): Uint32Array {
    const { batchSize, bucketBy, window = 16, shuffle = false, seed = 0 } = this.#options;
    const indices = order ?? Uint32Array.from({ length: this.#data.length }, (_, i) => i);
    for (let start = 0; start < indices.length; start += batchSize * window) {
      const part = indices.subarray(start, start + batchSize * window);
      const lengths = new Map(Array.from(part, (index) => [index, bucketBy!(this.#sample(index))]));
      part.sort((a, b) => lengths.get(a)! - lengths.get(b)! || a - b);
      // Only whole batches change places: a last one that is not full stays the last.
      const whole = Math.floor(part.length / batchSize);
      if (!shuffle || whole < 2) continue;
      const before = part.slice();
      for (const [to, from] of shuffledIndices(whole, seed + 1, n * 65536 + start).entries()) {
        part.set(before.subarray(from * batchSize, (from + 1) * batchSize), to * batchSize);
      }
    }
    return indices;
  }

  #sample(index: number): Sample {
    const sample = this.#data.at(index);
    if (sample !== undefined) return sample;
    throw new DataError(`the data set has no sample ${index}, but says its length is ${this.#data.length}`, {
      code: "PB7202",
      offset: index,
    });
  }
}
