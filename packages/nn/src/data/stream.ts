/** Samples one after another, for data that does not fit into memory or is made on the way. */
import { randomKey } from "@pullback/core";
import { DataError } from "../errors.ts";
import { type Collated, collate } from "./collate.ts";
import type { Batches } from "./dataset.ts";

type Source<T> = Iterable<T> | AsyncIterable<T>;

/**
 * A lazy sequence that can be read again and again. Every method returns a new stream; nothing is read before the stream
 * is iterated over. Epochs differ only where `shuffle` says so, and the same epoch is always the same, so that a run that
 * is resumed goes on exactly.
 */
export class Stream<T> implements AsyncIterable<T> {
  readonly #open: (epoch: number) => Source<T>;
  #next = 0;

  /** `open` begins to read anew each time it is called; an array or another re-iterable will do. */
  constructor(open: Source<T> | ((epoch: number) => Source<T>)) {
    this.#open = typeof open === "function" ? open : () => open;
  }

  /** The samples of epoch `n`. */
  epoch(n: number): AsyncIterable<T> {
    const source = this.#open(n);
    return {
      async *[Symbol.asyncIterator]() {
        yield* source;
      },
    };
  }

  /** Each iteration is the next epoch. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.epoch(this.#next++)[Symbol.asyncIterator]();
  }

  map<U>(f: (sample: T, index: number) => U | Promise<U>): Stream<U> {
    return this.#derive(async function* (source) {
      let index = 0;
      for await (const sample of source) yield await f(sample, index++);
    });
  }

  filter(accept: (sample: T, index: number) => boolean | Promise<boolean>): Stream<T> {
    return this.#derive(async function* (source) {
      let index = 0;
      for await (const sample of source) if (await accept(sample, index++)) yield sample;
    });
  }

  take(count: number): Stream<T> {
    return this.#derive(async function* (source) {
      let left = count;
      if (left <= 0) return;
      for await (const sample of source) {
        yield sample;
        if (--left <= 0) return;
      }
    });
  }

  skip(count: number): Stream<T> {
    return this.#derive(async function* (source) {
      let left = count;
      for await (const sample of source) if (left-- <= 0) yield sample;
    });
  }

  /** The stream `count` times over, as one epoch. */
  repeat(count: number): Stream<T> {
    return new Stream((epoch) => {
      const read = (n: number) => this.epoch(n);
      return (async function* () {
        for (let i = 0; i < count; i++) yield* read(epoch * count + i);
      })();
    });
  }

  /**
   * Draws from a buffer of `buffer` samples, in an order that `seed` and the epoch decide: a full shuffle when the buffer
   * holds everything.
   */
  shuffle({ buffer, seed = 0 }: { readonly buffer: number; readonly seed?: number }): Stream<T> {
    requireCount("buffer", buffer);
    return this.#derive(async function* (source, epoch) {
      const key = randomKey(seed).foldIn(epoch);
      let draws = 0;
      const below = (count: number) => Math.floor((key.foldIn(draws++).k0 / 2 ** 32) * count);
      const waiting: T[] = [];
      for await (const sample of source) {
        if (waiting.length < buffer) {
          waiting.push(sample);
          continue;
        }
        const place = below(buffer);
        yield waiting[place]!;
        waiting[place] = sample;
      }
      while (waiting.length > 0) {
        const place = below(waiting.length);
        yield waiting[place]!;
        waiting[place] = waiting[waiting.length - 1]!;
        waiting.pop();
      }
    });
  }

  /** Reads up to `count` samples ahead while the reader works on the one it has. An error comes where its sample would. */
  prefetch(count: number): Stream<T> {
    requireCount("prefetch", count);
    return this.#derive(async function* (source) {
      const reading = source[Symbol.asyncIterator]();
      const ahead: Promise<IteratorResult<T>>[] = [];
      const ask = () => {
        const result = reading.next();
        // An error is reported where it is awaited, not before.
        result.catch(() => undefined);
        ahead.push(result);
      };
      try {
        for (let i = 0; i < count; i++) ask();
        for (;;) {
          const result = await ahead.shift()!;
          if (result.done === true) return;
          ask();
          yield result.value;
        }
      } finally {
        await Promise.allSettled(ahead);
        await reading.return?.();
      }
    });
  }

  /** Batches of `size` samples, made by `collate` (tensors are stacked by default), for `fit`. */
  batch<Batch = Collated<T>>(
    size: number,
    options: { readonly dropLast?: boolean; readonly collate?: (samples: readonly T[]) => Batch } = {},
  ): StreamBatches<Batch> {
    requireCount("the batch size", size);
    const make = options.collate ?? (collate as (samples: readonly T[]) => Batch);
    return new StreamBatches(
      this.#derive(async function* (source) {
        let samples: T[] = [];
        for await (const sample of source) {
          samples.push(sample);
          if (samples.length < size) continue;
          yield make(samples);
          samples = [];
        }
        if (samples.length > 0 && options.dropLast !== true) yield make(samples);
      }),
    );
  }

  #derive<U>(read: (source: AsyncIterable<T>, epoch: number) => AsyncIterable<U>): Stream<U> {
    return new Stream((epoch) => read(this.epoch(epoch), epoch));
  }
}

/** Batches of a stream. A position inside an epoch is found again by reading up to it. */
export class StreamBatches<Batch> implements Batches<Batch>, AsyncIterable<Batch> {
  readonly length = undefined;
  readonly #stream: Stream<Batch>;

  constructor(stream: Stream<Batch>) {
    this.#stream = stream;
  }

  epoch(n: number, skip = 0): AsyncIterable<Batch> {
    return (skip === 0 ? this.#stream : this.#stream.skip(skip)).epoch(n);
  }

  /** Makes up to `count` batches ahead. */
  prefetch(count: number): StreamBatches<Batch> {
    return new StreamBatches(this.#stream.prefetch(count));
  }

  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    return this.#stream[Symbol.asyncIterator]();
  }
}

function requireCount(what: string, count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new DataError(`${what} is ${count}`, { code: "PB7201", hint: "Give a whole number from 1." });
}
