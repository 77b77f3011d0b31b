/** The optimizers without reference numbers, against transcriptions of their papers' formulas in plain numbers. */
import { describe, expect, test } from "@jest/globals";
import { type Tensor, tensor } from "@pullback/core";
import { Adafactor, LARS, Lion, Muon, type Optimizer } from "./index.ts";
import { orthogonalized } from "./muon.ts";

type Matrix = number[][];

const values = (count: number, phase: number) => Array.from({ length: count }, (_, i) => Math.sin(2.3 * i + phase));
const rowsOf = (flat: readonly number[], columns: number): Matrix =>
  Array.from({ length: flat.length / columns }, (_, r) => flat.slice(r * columns, (r + 1) * columns));
const norm = (flat: readonly number[]) => Math.sqrt(flat.reduce((sum, x) => sum + x * x, 0));
const rms = (flat: readonly number[]) => norm(flat) / Math.sqrt(flat.length);

const [rows, columns, steps] = [4, 3, 5];

/** A model of a matrix, a vector and a number, moved along fixed gradients; every parameter after every step. */
function trajectory(make: (model: object) => Optimizer<any>): { weight: number[]; bias: number[]; gain: number }[] {
  const model = {
    weight: tensor(values(rows * columns, 1), { shape: [rows, columns], dtype: "float64" }),
    bias: tensor(values(columns, 2), { dtype: "float64" }),
    gain: 0.7,
  };
  const optimizer = make(model);
  return Array.from({ length: steps }, (_, s) => {
    optimizer.update(model, {
      weight: tensor(gradientOf("weight", s), { shape: [rows, columns], dtype: "float64" }),
      bias: tensor(gradientOf("bias", s), { dtype: "float64" }),
      gain: gradientOf("gain", s)[0]!,
    } as any);
    const flat = (x: Tensor) => x.flatten().toArray() as number[];
    return { weight: flat(model.weight), bias: flat(model.bias), gain: model.gain };
  });
}

const sizes = { weight: rows * columns, bias: columns, gain: 1 };
const gradientOf = (name: keyof typeof sizes, step: number) => values(sizes[name], 3 + step * 1.1);

/** Runs a rule on flat numbers; state lives in the closure that `rule` makes per parameter. */
function expectTrajectory(
  make: (model: object) => Optimizer<any>,
  rule: (name: keyof typeof sizes) => (x: number[], g: number[], t: number) => number[],
): void {
  const found = trajectory(make);
  for (const name of ["weight", "bias", "gain"] as const) {
    let x = name === "gain" ? [0.7] : values(sizes[name], name === "weight" ? 1 : 2);
    const step = rule(name);
    for (let s = 0; s < steps; s++) {
      x = step(x, gradientOf(name, s), s + 1);
      const actual = [found[s]![name]].flat();
      for (const [i, value] of x.entries()) expect(actual[i]).toBeCloseTo(value, 12);
    }
  }
}

test("Lion: algorithm 2", () => {
  const [rate, beta1, beta2, decay] = [0.01, 0.9, 0.99, 0.1];
  expectTrajectory(
    (model) => new Lion(model, { learningRate: rate, weightDecay: decay }),
    (name) => {
      let m = new Array<number>(sizes[name]).fill(0);
      return (x, g) => {
        const moved = x.map((xi, i) => {
          const direction = Math.sign(beta1 * m[i]! + (1 - beta1) * g[i]!);
          return xi - rate * (direction + (name === "gain" ? 0 : decay * xi));
        });
        m = m.map((mi, i) => beta2 * mi + (1 - beta2) * g[i]!);
        return moved;
      };
    },
  );
});

test("LARS: algorithm 1", () => {
  const [rate, momentum, trust, decay] = [0.5, 0.9, 0.02, 0.01];
  expectTrajectory(
    (model) => new LARS(model, { learningRate: rate, momentum, trust, weightDecay: decay }),
    (name) => {
      let v = new Array<number>(sizes[name]).fill(0);
      return (x, g) => {
        const tensors = name !== "gain";
        const beta = tensors ? decay : 0;
        const local = tensors ? (trust * norm(x)) / (norm(g) + beta * norm(x)) : 1;
        v = v.map((vi, i) => momentum * vi + rate * local * (g[i]! + beta * x[i]!));
        return x.map((xi, i) => xi - v[i]!);
      };
    },
  );
});

test("LARS: the rate of a tensor at zero is not zero", () => {
  const model = { weight: tensor([0, 0]) };
  new LARS(model, { learningRate: 1 }).update(model, { weight: tensor([1, 2]) });
  expect(model.weight.toArray()).toEqual([-1, -2]);
});

test("Adafactor: algorithms 4 and 5", () => {
  const rho = (step: number) => Math.min(1e-2, 1 / Math.sqrt(step + 1));
  const [exponent, epsilon, least, threshold] = [0.8, 1e-30, 1e-3, 1];
  expectTrajectory(
    (model) => new Adafactor(model, { learningRate: rho }),
    (name) => {
      let v = new Array<number>(sizes[name]).fill(0);
      let [ofRows, ofColumns] = [new Array<number>(rows).fill(0), new Array<number>(columns).fill(0)];
      return (x, g, t) => {
        const beta = 1 - t ** -exponent;
        const squared = g.map((gi) => gi * gi + epsilon);
        if (name === "weight") {
          const square = rowsOf(squared, columns);
          // The paper sums; a mean differs by a constant that cancels in R C / sum(R) once it is n times the mean.
          ofRows = ofRows.map((r, i) => beta * r + (1 - beta) * square[i]!.reduce((a, b) => a + b, 0));
          ofColumns = ofColumns.map((c, j) => beta * c + (1 - beta) * square.reduce((a, row) => a + row[j]!, 0));
          const total = ofRows.reduce((a, b) => a + b, 0);
          v = ofRows.flatMap((r) => ofColumns.map((c) => (r * c) / total));
        } else v = v.map((vi, i) => beta * vi + (1 - beta) * squared[i]!);
        const u = g.map((gi, i) => gi / Math.sqrt(v[i]!));
        const scale = (Math.max(least, rms(x)) * rho(t - 1)) / Math.max(1, rms(u) / threshold);
        return x.map((xi, i) => xi - scale * u[i]!);
      };
    },
  );
});

describe("Muon", () => {
  const product = (a: Matrix, b: Matrix): Matrix =>
    a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
  const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
  const combine = (...terms: [number, Matrix][]): Matrix =>
    terms[0]![1].map((row, i) => row.map((_, j) => terms.reduce((sum, [k, m]) => sum + k * m[i]![j]!, 0)));

  function newtonSchulz(g: Matrix): Matrix {
    const size = norm(g.flat()) + 1e-7;
    let x = (g.length > g[0]!.length ? transposed(g) : g).map((row) => row.map((v) => v / size));
    for (let i = 0; i < 5; i++) {
      const gram = product(x, transposed(x));
      x = combine([3.4445, x], [1, product(combine([-4.775, gram], [2.0315, product(gram, gram)]), x)]);
    }
    return g.length > g[0]!.length ? transposed(x) : x;
  }

  test("matrices by Newton-Schulz, the rest by AdamW", () => {
    const [rate, decay, mu] = [0.02, 0.1, 0.95];
    expectTrajectory(
      (model) => new Muon(model, { learningRate: rate }),
      (name) => {
        let m = new Array<number>(sizes[name]).fill(0);
        let v = new Array<number>(sizes[name]).fill(0);
        return (x, g, t) => {
          const decayed = x.map((xi) => (name === "gain" ? xi : xi * (1 - rate * decay)));
          if (name === "weight") {
            m = m.map((mi, i) => mu * mi + (1 - mu) * g[i]!);
            const direction = g.map((gi, i) => (1 - mu) * gi + mu * m[i]!);
            const step = newtonSchulz(rowsOf(direction, columns)).flat();
            return decayed.map((xi, i) => xi - rate * Math.sqrt(Math.max(1, rows / columns)) * step[i]!);
          }
          m = m.map((mi, i) => 0.9 * mi + 0.1 * g[i]!);
          v = v.map((vi, i) => 0.999 * vi + 0.001 * g[i]! ** 2);
          return decayed.map((xi, i) => {
            const hat = m[i]! / (1 - 0.9 ** t);
            return xi - (rate * hat) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8);
          });
        };
      },
    );
  });

  test("the singular values of a step are within the published 0.68 to 1.13, tall or wide", () => {
    // Not `values`: shifted sines have rank 2.
    const full = Array.from({ length: 18 }, (_, i) => Math.sin(i * i + 1));
    for (const shape of [
      [6, 3],
      [3, 6],
    ]) {
      // biome-ignore format: two shapes
      const x = orthogonalized(tensor(full, { shape, dtype: "float64" }), 5);
      const gram = (shape[0]! > shape[1]! ? x.transpose().matmul(x) : x.matmul(x.transpose())).toArray() as Matrix;
      const [least, most] = [0.68 ** 2, 1.13 ** 2];
      for (const [i, row] of gram.entries()) {
        expect(row[i]).toBeGreaterThan(least);
        expect(row[i]).toBeLessThan(most);
        for (const [j, entry] of row.entries()) if (j !== i) expect(Math.abs(entry)).toBeLessThan((most - least) / 2);
      }
    }
  });

  test("a group may leave matrices to AdamW, and higher ranks are matrices", () => {
    const model = { embedding: tensor([[1, 2]]), kernel: tensor(values(12, 0), { shape: [3, 2, 2] }) };
    const groups = [{ match: (path: string) => path === "embedding", orthogonalize: false, weightDecay: 0 }];
    const optimizer = new Muon(model, { learningRate: 0.1, groups });
    optimizer.update(model, { embedding: tensor([[3, -4]]), kernel: tensor(values(12, 1), { shape: [3, 2, 2] }) });
    expect((model.embedding.toArray() as Matrix)[0]![0]).toBeCloseTo(0.9, 5);
    expect((model.embedding.toArray() as Matrix)[0]![1]).toBeCloseTo(2.1, 5);
    expect(model.kernel.shape).toEqual([3, 2, 2]);
    expect([...Object.keys(optimizer.state().slots)].sort()).toEqual(["mean", "meanSquare", "momentum"]);
  });
});
