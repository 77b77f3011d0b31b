/** What holds on every backend: the same random numbers, and the same answers to what cannot be done. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  BackendError,
  cholesky,
  dropout,
  IndexError,
  inverse,
  LinearAlgebraError,
  logdet,
  ones,
  permutation,
  rand,
  randn,
  randomInt,
  randomKey,
  setSeed,
  slogdet,
  solve,
  tensor,
  useBackend,
  withBackend,
  zeros,
} from "../index.ts";

const devices = ["eager", "lazy", "tfjs:cpu", "tfjs:wasm"];

beforeAll(async () => {
  for (const device of devices) await useBackend(device);
  await useBackend("eager");
});

describe.each(devices)("%s", (device) => {
  const here = <T>(f: () => T): Promise<T> => withBackend(device, f);

  test("the same seed gives the same numbers, split keys others", () =>
    here(() => {
      setSeed(9);
      const [a, b, c] = randomKey(5).split(3);
      // Of the first two lines a transcription of the generator in Python, and its normal quantiles, say the same.
      expect(rand([3], { key: a }).toArray()).toEqual([0.4772675037384033, 0.951908528804779, 0.937748908996582]);
      const normal = [-0.34436485171318054, 0.46749091148376465, 0.45419490337371826];
      expect(randn([3], { key: b }).toArray()).toEqual(normal);
      expect(randomInt([3], 0, 1000, { key: c }).toArray()).toEqual([336, 672, 244]);
      expect(permutation(5, { key: a!.foldIn(1) }).toArray()).toEqual([4, 3, 2, 1, 0]);
      expect(dropout(ones([6]), 0.5).toArray()).toEqual([0, 0, 0, 2, 0, 2]);
      expect(rand([2]).toArray()).toEqual([0.49336332082748413, 0.6641532182693481]);
    }));

  test("parallel workers that split a key draw what one would", () =>
    here(() => {
      const parts = randomKey(3)
        .split(4)
        .map((key) => rand([5], { key }).toArray());
      expect(new Set(parts.flat()).size).toBe(20);
      expect(rand([5], { key: randomKey(3).split(4)[2] }).toArray()).toEqual(parts[2]);
    }));

  test("singular matrices", () =>
    here(() => {
      const singular = tensor([[1, 2], [2, 4]]); // biome-ignore format: a matrix
      expect(() => solve(singular, tensor([1, 2])).dataSync()).toThrow(LinearAlgebraError);
      expect(() => inverse(singular).dataSync()).toThrow(LinearAlgebraError);
      expect(() => cholesky(tensor([[1, 2], [2, 1]])).dataSync()).toThrow(LinearAlgebraError); // biome-ignore format: a matrix
      const { sign, logAbsDet } = slogdet(singular);
      expect(Math.abs(sign.item())).toBe(0);
      expect([logAbsDet.item(), logdet(singular).item()]).toEqual([-Infinity, -Infinity]);
      // The backend goes on.
      expect(solve(tensor([[2, 0], [0, 4]]), tensor([1, 2])).toArray()).toEqual([0.5, 0.5]); // biome-ignore format: a matrix
    }));

  test("indices out of range", async () => {
    // On lazy what is out of range is undefined.
    if (device === "lazy") return;
    await here(() => {
      const indices = tensor([0, 7], { dtype: "int32" });
      expect(() => zeros([3]).gather(indices)).toThrow(IndexError);
      expect(() => zeros([3]).takeAlongAxis(indices, 0)).toThrow(/7/);
    });
  });

  test("a backend that does not start leaves this one in use", async () => {
    await useBackend(device);
    try {
      await expect(useBackend("tfjs", { engine: "node-gpu" })).rejects.toThrow(/tfjs-node-gpu/);
      await expect(useBackend("abacus")).rejects.toThrow(BackendError);
      expect(zeros([1]).device).toBe(device);
    } finally {
      await useBackend("eager");
    }
  });

  test.each(devices.filter((other) => other !== device))(
    "meets %s where they mix, and says how to move",
    async (other) => {
      const [x, y] = [await here(() => tensor([1, 2])), await withBackend(other, () => tensor([3, 4]))];
      if (device.startsWith("tfjs") || other.startsWith("tfjs")) {
        const named = new RegExp(`"${device}".*"${other}".*x\\.to\\(device\\)`);
        expect(() => x.mul(y)).toThrow(named);
        expect(() => x.dot(y)).toThrow(BackendError);
      } else expect(x.mul(y).device).toBe("lazy");
      expect(x.to(other).mul(y).toArray()).toEqual([3, 8]);
    },
  );
});
