/** Loaders, orders, batches and windows. */
import { describe, expect, test } from "@jest/globals";
import { type Tensor, tensor } from "@pullback/core";
import fc from "fast-check";
import { DataError } from "../errors.ts";
import { asBatches, type Batches } from "./dataset.ts";
import { collate, DataLoader, TokenWindows } from "./index.ts";
import { shuffledIndices } from "./shuffle.ts";

function codeOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).code;
  }
  return "no error";
}

const numbers = (batches: Iterable<Tensor>) => [...batches].map((x) => x.toArray());

describe("DataLoader", () => {
  const ten = Array.from({ length: 10 }, (_, i) => i);

  test("batches in order, the last one short or dropped", () => {
    const loader = new DataLoader(ten, { batchSize: 4 });
    expect(loader.length).toBe(3);
    expect(numbers(loader)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    const dropping = new DataLoader(ten, { batchSize: 4, dropLast: true });
    expect([dropping.length, numbers(dropping).length]).toEqual([2, 2]);
  });

  test("every epoch of a shuffled loader has each sample once, in an order of its own", () => {
    const loader = new DataLoader(ten, { batchSize: 3, shuffle: true, seed: 5 });
    const [first, second] = [numbers(loader).flat(), numbers(loader).flat()];
    expect([...first].sort()).toEqual(ten);
    expect([...second].sort()).toEqual(ten);
    expect(first).not.toEqual(second);
    expect(numbers(loader.epoch(0)).flat()).toEqual(first);
    expect(numbers(loader.epoch(1)).flat()).toEqual(second);
    expect(numbers(new DataLoader(ten, { batchSize: 3, shuffle: true, seed: 5 })).flat()).toEqual(first);
    expect(numbers(new DataLoader(ten, { batchSize: 3, shuffle: true, seed: 6 })).flat()).not.toEqual(first);
  });

  test("an epoch can be entered in the middle", () => {
    const loader = new DataLoader(ten, { batchSize: 3, shuffle: true, seed: 1 });
    expect(numbers(loader.epoch(7, 2))).toEqual(numbers(loader.epoch(7)).slice(2));
  });

  test("a collate of one's own", () => {
    const loader = new DataLoader(["a", "bb"], { batchSize: 2, collate: (texts) => texts.join("") });
    expect([...loader]).toEqual(["abb"]);
  });

  test("impossible loaders", () => {
    expect(codeOf(() => new DataLoader([], { batchSize: 1 }))).toBe("PB7201");
    expect(codeOf(() => new DataLoader(ten, { batchSize: 0 }))).toBe("PB7201");
    expect(codeOf(() => new DataLoader(ten, { batchSize: 2.5 }))).toBe("PB7201");
    expect(codeOf(() => new DataLoader(ten, { batchSize: 11, dropLast: true }))).toBe("PB7201");
    expect(codeOf(() => [...new DataLoader({ length: 2, at: () => undefined }, { batchSize: 1 })])).toBe("PB7202");
  });
});

describe("asBatches", () => {
  test("lists and other iterables are the same in every epoch; loaders stay themselves", async () => {
    const read = async (batches: Batches<number>, epoch: number, skip?: number) => {
      const all: number[] = [];
      for await (const batch of batches.epoch(epoch, skip)) all.push(batch);
      return all;
    };
    const list = asBatches([1, 2, 3]);
    expect([list.length, await read(list, 4), await read(list, 0, 2)]).toEqual([3, [1, 2, 3], [3]]);
    const set = asBatches(new Set([1, 2, 3]));
    expect([set.length, await read(set, 0, 1), await read(set, 1)]).toEqual([undefined, [2, 3], [1, 2, 3]]);
    const loader = new DataLoader([1], { batchSize: 1 });
    expect(asBatches(loader)).toBe(loader);
  });
});

describe("orders", () => {
  test("are permutations", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.integer(), fc.nat(), (length, seed, epoch) => {
        const order = shuffledIndices(length, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
      }),
    );
  });

  test("every place is equally likely (chi-squared below its 99.9 % point)", () => {
    const [size, runs] = [6, 3000];
    const counts = new Array(size * size).fill(0);
    for (let run = 0; run < runs; run++)
      for (const [i, value] of shuffledIndices(size, 3, run).entries()) counts[i * size + value]++;
    const expected = runs / size;
    const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(statistic).toBeLessThan(52.6); // 25 degrees of freedom
  });
});

describe("collate", () => {
  test("tensors, numbers, typed arrays, text, in objects and tuples", () => {
    const sample = (i: number) => ({
      image: tensor([i, i + 1]),
      label: i,
      flag: i > 1,
      tokens: Int32Array.of(i),
      text: `t${i}`,
      pair: [i, tensor(i)] as [number, Tensor],
    });
    const batch = collate([sample(1), sample(2)]);
    expect(batch.image.toArray()).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect(batch.label.toArray()).toEqual([1, 2]);
    expect([batch.flag.dtype, batch.flag.cast("int32").toArray()]).toEqual(["bool", [0, 1]]);
    expect([batch.tokens.dtype, batch.tokens.toArray()]).toEqual(["int32", [[1], [2]]]);
    expect(batch.text).toEqual(["t1", "t2"]);
    expect(batch.pair.map((x) => x.toArray())).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test("samples that do not stack are named", () => {
    const error = (() => {
      try {
        collate([{ x: tensor([1, 2]) }, { x: tensor([1, 2]) }, { x: tensor([1]) }]);
      } catch (thrown) {
        return thrown as DataError;
      }
      return undefined;
    })();
    expect([error?.code, error?.offset]).toEqual(["PB7203", 2]);
    expect(error?.message).toContain('"x"');
    expect(codeOf(() => collate<unknown>([1, "two"]))).toBe("PB7203");
    expect(codeOf(() => collate<number[]>([[1], [1, 2]]))).toBe("PB7203");
    expect(codeOf(() => collate([]))).toBe("PB7201");
  });
});

describe("TokenWindows", () => {
  test("windows side by side or overlapping", () => {
    const tokens = [0, 1, 2, 3, 4, 5, 6];
    const apart = new TokenWindows(tokens, { sequenceLength: 3 });
    expect([apart.length, [...apart.at(1)]]).toEqual([2, [3, 4, 5]]);
    const overlapping = new TokenWindows(tokens, { sequenceLength: 3, stride: 2 });
    expect([overlapping.length, [...overlapping.at(2)]]).toEqual([3, [4, 5, 6]]);
    const [batch] = new DataLoader(overlapping, { batchSize: 2 });
    expect([batch.dtype, batch.toArray()]).toEqual([
      "int32",
      [
        [0, 1, 2],
        [2, 3, 4],
      ],
    ]);
  });

  test("impossible windows", () => {
    expect(codeOf(() => new TokenWindows([1, 2], { sequenceLength: 3 }))).toBe("PB7201");
    expect(codeOf(() => new TokenWindows([1, 2], { sequenceLength: 0 }))).toBe("PB7201");
    expect(codeOf(() => new TokenWindows([1, 2], { sequenceLength: 1, stride: -1 }))).toBe("PB7201");
    expect(codeOf(() => new TokenWindows([1, 2], { sequenceLength: 1 }).at(2))).toBe("PB7202");
  });
});
