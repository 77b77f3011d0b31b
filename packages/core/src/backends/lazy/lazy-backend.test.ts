/** What the lazy backend promises beyond equal results: when it runs, mixing with eager tensors, and errors. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  BackendError,
  closeBackend,
  IndexError,
  ones,
  type Tensor,
  tensor,
  useBackend,
  where,
  withBackend,
  zeros,
} from "../../index.ts";

beforeAll(() => useBackend("lazy"));
afterAll(() => closeBackend("lazy"));

const eagerly = (make: () => Tensor): Promise<Tensor> => withBackend("eager", make);

describe("eager and lazy tensors", () => {
  test("mix, and the result is lazy", async () => {
    const lazy = tensor([1, 2, 3]);
    const eager = await eagerly(() => tensor([10, 20, 30]));
    for (const sum of [lazy.add(eager), eager.add(lazy)]) {
      expect(sum.device).toBe("lazy");
      expect(sum.toArray()).toEqual([11, 22, 33]);
    }
    const chosen = where(eager.greater(15), eager, lazy);
    expect(chosen.device).toBe("lazy");
    expect(chosen.toArray()).toEqual([1, 20, 30]);
    expect(eager.add(1).device).toBe("eager");
  });

  test("move without a copy of meaning, both ways", async () => {
    const eager = await eagerly(() => tensor([1, 2]).mul(2));
    expect(eager.to("lazy").device).toBe("lazy");
    const back = eager.to("lazy").add(1).transpose().to("eager");
    expect(back.device).toBe("eager");
    expect(back.mul(2).toArray()).toEqual([6, 10]);
    expect(() => eager.to("abacus")).toThrow(BackendError);
  });

  test("live through each other's closing", async () => {
    const before = tensor([1, 2]).mul(3);
    await closeBackend("lazy");
    expect(zeros([1]).device).toBe("eager");
    expect(before.toArray()).toEqual([3, 6]);
    await useBackend("lazy");
    expect(before.add(zeros([2])).toArray()).toEqual([3, 6]);
  });
});

describe("observation", () => {
  test("in the middle leaves the rest as it was", () => {
    const x = tensor([1, 2, 3]);
    const squares = x.square();
    const sum = squares.sum();
    expect(sum.item()).toBe(14);
    const later = squares.add(sum);
    expect(later.toArray()).toEqual([15, 18, 23]);
    expect(squares.toArray()).toEqual([1, 4, 9]);
  });

  test("barrier runs what is recorded and returns its tensor", () => {
    const x = ones([3]).mul(2);
    expect(x.barrier()).toBe(x);
    expect(x.toArray()).toEqual([2, 2, 2]);
  });

  test("shapes that depend on data cut", () => {
    const x = tensor([3, 0, 3, 5]).mul(2);
    expect(x.nonzero().shape).toEqual([3, 1]);
    expect(x.unique().values.toArray()).toEqual([0, 6, 10]);
    expect(x.booleanMask(x.greater(1)).toArray()).toEqual([6, 6, 10]);
  });
});

describe("errors that depend on data", () => {
  const indexed = (x: Tensor): Tensor => x.gather(tensor([7], { dtype: "int32" }));

  test("come at observation, with the place of the recording call", () => {
    const bad = indexed(tensor([1, 2, 3]));
    const dependent = bad.mul(2).sum();
    const good = tensor([1, 2]).add(1);
    let caught: Error | undefined;
    try {
      dependent.item();
    } catch (error) {
      caught = error as Error;
    }
    expect(caught).toBeInstanceOf(IndexError);
    expect(caught!.message).toMatch(/lazy-backend\.test\.ts:\d+:\d+/);
    expect(caught!.stack).toMatch(/indexed/);
    expect(good.toArray()).toEqual([2, 3]);
    expect(() => bad.dataSync()).toThrow(IndexError);
    expect(() => bad.add(1).toArray()).toThrow(IndexError);
    expect(ones([2]).toArray()).toEqual([1, 1]);
  });
});
