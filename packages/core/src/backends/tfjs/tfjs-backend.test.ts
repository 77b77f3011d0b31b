import { afterEach, describe, expect, test } from "@jest/globals";
import { valueWithGradient } from "@pullback/autodiff";
import * as tf from "@tensorflow/tfjs-core";
import {
  availableBackends,
  BackendError,
  closeBackend,
  DTypeError,
  IndexError,
  memoryStats,
  rand,
  randn,
  randomInt,
  randomKey,
  registerBackend,
  type Tensor,
  tensor,
  useBackend,
  where,
  withBackend,
  zeros,
} from "../../index.ts";
import { loadTfjs } from "./index.ts";
import { failuresOfSample } from "./test-conformance.ts";
import { TfjsBackend } from "./tfjs-backend.ts";
import type { Engine, Tfjs } from "./types.ts";

const engines = ["cpu", "wasm"] as const;

afterEach(() => useBackend("eager"));

test("a package that is not installed is an error with the line that installs it, and the backend stays", async () => {
  await useBackend("lazy");
  const refused = useBackend("tfjs", { engine: "node" });
  await expect(refused).rejects.toThrow(BackendError);
  await expect(refused).rejects.toMatchObject({ code: "PB6105", hint: "npm install @tensorflow/tfjs-node" });
  expect(zeros([1]).device).toBe("lazy");
  expect(availableBackends()).not.toContain("tfjs:node");
});

test("an engine that does not start says so, and there is no other engine than those", async () => {
  await expect(useBackend("tfjs", { engine: "webgl" })).rejects.toThrow(/tfjs:webgl/);
  await expect(useBackend("tfjs", { engine: "abacus" as "cpu" })).rejects.toThrow(/cpu, wasm, webgl/);
  await expect(withBackend("tfjs:abacus", () => 1)).rejects.toThrow(BackendError);
  expect(() => tensor([1]).to("tfjs:webgpu")).toThrow(/useBackend\("tfjs", \{ engine: "webgpu" \}\)/);
});

test("the node engines take tfjs from their own package", async () => {
  await withBackend("tfjs:cpu", () => 1);
  const asked: string[] = [];
  const core = tf as unknown as Record<string, unknown>;
  const cpu = tf.findBackend("cpu");
  tf.registerBackend("tensorflow", () => cpu as tf.KernelBackend);
  tf.copyRegisteredKernels("cpu", "tensorflow");
  const backend = await loadTfjs({ engine: "node-gpu" }, async (name) => {
    asked.push(name);
    return { ...core };
  });
  expect(asked).toEqual(["@tensorflow/tfjs-node-gpu"]);
  registerBackend(backend);
  expect(await failuresOfSample("tfjs:node-gpu")).toEqual([]);
});

/** A backend over the cpu engine under another name, without a kernel, or with another way to read. */
async function registerOverCpu(engineName: string, without = "", own: Partial<Engine> = {}): Promise<string> {
  await withBackend("tfjs:cpu", () => 1);
  const getKernel = (name: string) => (name === without ? undefined : tf.getKernel(name, "cpu"));
  const engine = Object.assign(Object.create(tf.findBackend("cpu")), own) as Engine;
  const device = `tfjs:${engineName}${without}${Object.keys(own).join("")}`;
  registerBackend(new TfjsBackend({ ...tf, getKernel } as unknown as Tfjs, engine, engineName, device));
  return device;
}

test("what stands in for WebGPU's kernels is right over others", async () => {
  expect(await failuresOfSample(await registerOverCpu("webgpu"))).toEqual([]);
});

test("where WebGPU cannot be read at once, what needs that is named and the rest works", async () => {
  await withBackend("tfjs:cpu", () => 1);
  const cpu = tf.findBackend("cpu") as unknown as Engine;
  const readSync = (): Float32Array => new Float32Array(66_309);
  const device = await registerOverCpu("webgpu", "", { readSync, read: async (id) => cpu.readSync(id) });
  await withBackend(device, async () => {
    const x = tensor([3, 1, 2]);
    expect(caught(() => x.dataSync(), BackendError).message).toMatch(/await x\.data\(\)/);
    expect(caught(() => x.sort(), BackendError).message).toContain(`argsort: ${device}`);
    expect([...(await x.mul(2).softmax().sum().data())][0]).toBeCloseTo(1, 6);
  });
});

test("a kernel that an engine lacks is named, with the backend", async () => {
  await registerOverCpu("cpu", "Atan2");
  await withBackend("tfjs:cpuAtan2", () => {
    const x = tensor([1, 2]);
    expect(caught(() => x.atan2(x), BackendError).message).toMatch(/tfjs:cpuAtan2 .*Atan2/);
    expect(x.add(x).toArray()).toEqual([2, 4]);
  });
});

describe.each(engines)("tfjs:%s", (engine) => {
  const device = `tfjs:${engine}`;

  test("holds new tensors, by both of its names", async () => {
    await useBackend("tfjs", { engine });
    expect(zeros([2]).device).toBe(device);
    expect(availableBackends()).toContain(device);
    await useBackend("eager");
    expect(await withBackend(device, () => zeros([2]).device)).toBe(device);
    expect(zeros([2]).device).toBe("eager");
  });

  test("refuses dtypes that it does not hold, by name of backend, operation and dtype", async () => {
    await useBackend("tfjs", { engine });
    const { message } = caught(() => tensor(Float64Array.of(1)), DTypeError);
    expect(message).toMatch(new RegExp(`tensor: ${device} .* float64`));
    expect(caught(() => zeros([2], { dtype: "uint8" }), DTypeError).message).toMatch(/full: .*uint8/);
    expect(caught(() => zeros([2]).cast("float16"), DTypeError).message).toMatch(/cast: .*float16/);
    const wide = await withBackend("eager", () => tensor([1], { dtype: "float64" }));
    expect(caught(() => wide.to(device), DTypeError).message).toMatch(/to: .*float64/);
    expect(tensor(Float64Array.of(1.5, 2), { dtype: "float32" }).toArray()).toEqual([1.5, 2]);
  });

  test("mixing backends says how to move", async () => {
    const there = await withBackend(device, () => tensor([1, 2]));
    const here = tensor([3, 4]);
    expect(caught(() => there.add(here), BackendError).message).toMatch(/x\.to\(device\)/);
    expect(there.add(here.to(device)).to("eager").add(here).toArray()).toEqual([7, 10]);
  });

  test("operations run where their operands are, whatever the current backend", async () => {
    const x = await withBackend(device, () =>
      tensor([
        [1, 2, 0],
        [4, 5, 6],
      ]),
    );
    const indices = tensor(
      [
        [0, 1],
        [1, 2],
      ],
      { dtype: "int32" },
    ).to(device);
    expect(x.gatherND(indices).toArray()).toEqual([2, 6]);
    expect(x.cumprod(1).device).toBe(device);
    expect(valueWithGradient((t: Tensor) => t.cumprod(1).sum())(x).gradient.toArray()).toEqual([
      [3, 1, 2],
      [36, 28, 20],
    ]);
  });

  test("running extrema of integers, and of bool", async () => {
    const x = await withBackend(device, () => tensor([[3, 1, 2, -5, 4]], { dtype: "int32" }));
    expect(x.cummin(1).toArray()).toEqual([[3, 1, 1, -5, -5]]);
    expect(x.cummax(1).toArray()).toEqual([[3, 3, 3, 3, 4]]);
    expect(x.greater(2).cumsum(1).toArray()).toEqual([[1, 1, 1, 1, 2]]);
  });

  test("choosing and reversing bools writes nothing beyond them", async () => {
    const flags = (n: number): number[] => Array.from({ length: n }, (_, i) => +(i % 3 === 0));
    const n = 1000;
    await useBackend("tfjs", { engine });
    const made: Tensor[] = [];
    for (let round = 0; round < 40; round++) {
      const x = tensor(flags(n), { dtype: "bool" });
      made.push(where(x, x, x.logicalNot()), x.flip(0), x);
    }
    made.forEach((x, i) => {
      const want = i % 3 === 0 ? new Array(n).fill(1) : i % 3 === 1 ? flags(n).reverse() : flags(n);
      expect([...x.dataSync()]).toEqual(want);
    });
  });

  test("out of range indices are errors", async () => {
    const x = await withBackend(device, () => tensor([1, 2, 3]));
    const index = tensor([3], { dtype: "int32" }).to(device);
    expect(caught(() => x.gather(index), IndexError).message).toMatch(/3/);
  });

  test("random numbers are those of every backend", async () => {
    const draw = (): number[][] => {
      const key = randomKey(5);
      return [rand([4], { key }), randn([4], { key }), randomInt([4], 0, 100, { key })].map((x) => [...x.dataSync()]);
    };
    const here = draw();
    expect(await withBackend(device, draw)).toEqual(here);
  });

  test.each(["sin", "cos", "tan"] as const)("%s is right to the last places, however far from 0", async (name) => {
    const count = 2000;
    const values = Float32Array.from({ length: count }, (_, i) => (i % 2 ? 1 : -1) * 1e-6 * 1e44 ** (i / (count - 1)));
    const got = (await withBackend(device, () => tensor(values)))[name]().dataSync();
    values.forEach((value, i) => {
      const want = Math[name](value);
      expect(Math.abs(got[i]! - want)).toBeLessThanOrEqual(2 ** -22 * Math.abs(want));
    });
  });

  test("a matrix may be the right operand of products in several shapes, plain and turned", async () => {
    const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 7) % 11) - 5);
    const results = (): unknown[] => {
      const flat = tensor(numbers(512));
      return [8, 16, 32, 8].flatMap((rows) => {
        const columns = 512 / rows;
        const right = flat.reshape([rows, columns]);
        const [left, turned] = [tensor(numbers(20 * rows)), tensor(numbers(20 * columns))];
        return [
          left.reshape([20, rows]).matmul(right).toArray(),
          left.reshape([rows, 20]).matmul(right, { transposeA: true }).toArray(),
          turned.reshape([20, columns]).matmul(right, { transposeB: true }).toArray(),
          turned.reshape([columns, 20]).matmul(right, { transposeA: true, transposeB: true }).toArray(),
        ];
      });
    };
    expect(await withBackend(device, results)).toEqual(await withBackend("eager", results));
  });

  test("a synchronous training run leaves nothing behind", async () => {
    await useBackend("tfjs", { engine });
    const data = rand([64, 32], { key: randomKey(1) });
    let w = randn([32, 48], { key: randomKey(2) }).mul(0.1);
    let v = randn([48, 1], { key: randomKey(3) }).mul(0.1);
    const loss = (a: Tensor, b: Tensor): Tensor => data.matmul(a).relu().matmul(b).sub(1).square().mean();
    const train = (steps: number): number => {
      let last = 0;
      for (let step = 0; step < steps; step++) {
        const { value, gradient } = valueWithGradient(loss)(w, v);
        w = w.sub(gradient[0].mul(0.1));
        v = v.sub(gradient[1].mul(0.1));
        last = value.item();
      }
      return last;
    };
    const counts = (): number[] => [memoryStats().live, engineOf(engine).numDataIds(), tf.memory().numTensors];
    train(20);
    const before = counts();
    expect(train(600)).toBeLessThan(0.01);
    counts().forEach((count, i) => {
      expect(count).toBeLessThanOrEqual(before[i]!);
    });
    // 600 steps make 600 * 64 * 48 * 4 bytes of activations many times over: collections happened on the way.
    expect(memoryStats().peakLive).toBeLessThan(150 * 2 ** 20);
  });

  test("closing keeps tensors readable", async () => {
    await useBackend("tfjs", { engine });
    const x = tensor([1, 2]).add(1);
    await closeBackend(device);
    expect(zeros([1]).device).toBe("eager");
    expect([...(await x.data())]).toEqual([2, 3]);
  });
});

function engineOf(engine: string): { numDataIds(): number } {
  return tf.findBackend(engine) as unknown as { numDataIds(): number };
}

function caught<E extends Error>(f: () => unknown, type: new (...args: never[]) => E): E {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return error as E;
  }
  throw new Error("nothing was thrown");
}
