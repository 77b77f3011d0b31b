/** Streams, buckets, padding and packing. */
import { describe, expect, test } from "@jest/globals";
import { DataLoader, pack, padded, Stream } from "./index.ts";

const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const sample of source) found.push(sample);
  return found;
};
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("Stream", () => {
  test("map, filter, take, skip, repeat; read again and again", async () => {
    const stream = new Stream(upTo(10))
      .map(async (x) => x * 2)
      .filter((x) => x % 4 === 0)
      .skip(1)
      .take(3);
    expect(await all(stream)).toEqual([4, 8, 12]);
    expect(await all(stream.repeat(2))).toEqual([4, 8, 12, 4, 8, 12]);
    expect(await all(stream.take(0))).toEqual([]);
  });

  test("shuffle: every sample once, another order each epoch, the same one for the same seed and epoch", async () => {
    const make = (buffer: number, seed = 3) => new Stream(upTo(20)).shuffle({ buffer, seed });
    const [first, second] = [await all(make(20).epoch(0)), await all(make(20).epoch(1))];
    expect([...first].sort((a, b) => a - b)).toEqual(upTo(20));
    expect(first).not.toEqual(upTo(20));
    expect(second).not.toEqual(first);
    expect(await all(make(20).epoch(0))).toEqual(first);
    expect(await all(make(20, 4).epoch(0))).not.toEqual(first);
    // A sample leaves a buffer of 3 at most two places early.
    const near = await all(make(3).epoch(0));
    expect([...near].sort((a, b) => a - b)).toEqual(upTo(20));
    expect(near.every((x, place) => x - place <= 2)).toBe(true);
  });

  test("batches resume inside an epoch where they stood", async () => {
    const batches = new Stream(upTo(11)).shuffle({ buffer: 5 }).batch(3, { collate: (xs) => [...xs] });
    const whole = await all(batches.epoch(2) as AsyncIterable<number[]>);
    expect(whole.map((b) => b.length)).toEqual([3, 3, 3, 2]);
    expect(await all(batches.epoch(2, 2) as AsyncIterable<number[]>)).toEqual(whole.slice(2));
    expect((await all(new Stream(upTo(11)).batch(3, { dropLast: true }))).map((b) => b.shape)).toEqual([[3], [3], [3]]);
    expect(() => new Stream([1]).batch(0)).toThrow(/batch size is 0/);
  });

  test("prefetch reads ahead, keeps the order, and gives an error in its place", async () => {
    let read = 0;
    const stream = new Stream(async function* () {
      for (let i = 0; i < 6; i++) {
        read++;
        if (i === 4) throw new Error("broken");
        yield i;
      }
    });
    const reading = stream.prefetch(2)[Symbol.asyncIterator]();
    expect((await reading.next()).value).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(read).toBe(3);
    expect([(await reading.next()).value, (await reading.next()).value, (await reading.next()).value]).toEqual([
      1, 2, 3,
    ]);
    await expect(reading.next()).rejects.toThrow("broken");
  });
});

describe("sequences", () => {
  test("padding after or before, to a multiple", () => {
    const after = padded({ value: 9, multipleOf: 4 })([[1, 2], [3, 4, 5, 6, 7]]); // biome-ignore format: rows
    expect(after.tokens.toArray()).toEqual([[1, 2, 9, 9, 9, 9, 9, 9], [3, 4, 5, 6, 7, 9, 9, 9]]); // biome-ignore format: rows
    expect(after.mask.cast("int32").sum(-1).toArray()).toEqual([2, 5]);
    const before = padded({ side: "before" })([new Int32Array([1]), [2, 3]]);
    expect(before.tokens.toArray()).toEqual([[0, 1], [2, 3]]); // biome-ignore format: rows
    expect(before.mask.toArray()).toEqual([[false, true], [true, true]]); // biome-ignore format: rows
    expect(before.tokens.dtype).toBe("int32");
  });

  test("packing keeps every token once, cuts what is too long, and knows segments and positions", () => {
    const windows = pack([[1, 2, 3], [4, 5, 6, 7, 8, 9], [10], [11, 12]], { length: 4, padding: -1 }); // biome-ignore format: rows
    expect(windows.map(({ tokens }) => [...tokens])).toEqual([[4, 5, 6, 7], [1, 2, 3, 10], [8, 9, 11, 12]]); // biome-ignore format: rows
    expect(windows.map(({ segments }) => [...segments])).toEqual([[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 2, 2]]); // biome-ignore format: rows
    expect(windows.map(({ positions }) => [...positions])).toEqual([[0, 1, 2, 3], [0, 1, 2, 0], [0, 1, 0, 1]]); // biome-ignore format: rows
    expect([...pack([[5]], { length: 3, padding: 7 })[0]!.tokens]).toEqual([5, 7, 7]);
  });

  test("bucketing puts like lengths together, every sample once, in an order that the seed decides", () => {
    const data = Array.from({ length: 50 }, (_, i) => new Array<number>(1 + ((i * 7) % 13)).fill(i));
    const loader = new DataLoader(data, {
      batchSize: 4,
      shuffle: true,
      seed: 5,
      bucketBy: (sample) => sample.length,
      window: 5,
      collate: (samples) => samples.map((sample) => sample[0]!),
    });
    const batches = [...loader.epoch(1)];
    expect(batches.flat().sort((a, b) => a - b)).toEqual(upTo(50));
    expect(batches.at(-1)).toHaveLength(2);
    expect([...loader.epoch(1, 3)]).toEqual(batches.slice(3));
    expect([...loader.epoch(2)]).not.toEqual(batches);
    const waste = (some: number[][]) =>
      some.reduce((sum, batch) => {
        const lengths = batch.map((i) => data[i]!.length);
        return sum + lengths.reduce((w, length) => w + Math.max(...lengths) - length, 0);
      }, 0);
    const plain = new DataLoader(data, { batchSize: 4, shuffle: true, collate: (s) => s.map((x) => x[0]!) });
    expect(waste(batches)).toBeLessThan(waste([...plain.epoch(1)]) / 2);
  });
});
