/**
 * Programs whose derivatives free what they no longer need, for a test that runs them with and without: each prints
 * every number that comes out, and what it kept on the way.
 */
import { checkpoint, gradient, pullback, valueWithGradient, withDerivative, withoutDerivative } from "@pullback/autodiff";
import { memoryStats, stack, type Tensor, tensor } from "@pullback/core";
import { crossEntropy, Linear, MultiHeadAttention, RMSNorm } from "@pullback/nn";

const numbers = (count: number, seed: number) => Array.from({ length: count }, (_, i) => Math.sin(seed + i * 1.7));
const made = (shape: number[], seed: number) =>
  tensor(numbers(shape.reduce((a, b) => a * b, 1), seed)).reshape(shape);

/** Every number of every tensor in a value. */
function digest(value: unknown): unknown {
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.map(digest);
  if (typeof value !== "object" || value === null) return value;
  if ("dataSync" in value) {
    const data = (value as Tensor).dataSync();
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum = (sum * 31 + Math.fround(data[i] as number) * (1 + (i % 7))) % 1e6;
    return [sum, data[0], data[data.length - 1]];
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, digest(item)]));
}

const kept: Tensor[] = [];

class Cell {
  weight = made([24, 24], 1);
  last: Tensor | undefined = undefined;
  /** @differentiable */
  step(x: Tensor): Tensor {
    const y = x.matmul(this.weight).tanh();
    this.last = y;
    return y;
  }
}

/** @differentiable */
function unrolled(cell: Cell, x: Tensor, count: number): Tensor {
  let y = x;
  const all: Tensor[] = [];
  for (let i = 0; i < count; i++) {
    y = cell.step(y);
    if (i % 2 === 0) y = y.mul(2).reshape([24, 2, 24]).reshape([48, 24]);
    all.push(y);
    if (y.sum().item() > 1e6) break;
  }
  return stack(all).sum().add(y.square().sum());
}

/** @differentiable */
function branches(x: Tensor, n: number): Tensor {
  let y = x;
  let i = 0;
  while (i < 20) {
    i++;
    if (i > n) break;
    y = i % 3 === 0 ? y : i % 3 === 1 ? y.add(x) : y.mul(0.5).cast("float32");
    const copy = y.swapAxes(0, 1).swapAxes(0, 1);
    y = y.add(copy);
    if (i === 5) kept.push(y);
  }
  return y.mul(x).sum();
}

/** @differentiable */
function shared(x: Tensor): Tensor {
  const y = x.exp();
  const z = withoutDerivative(y);
  const scale = z.max().item();
  const a = y.reshape(y.shape);
  const b = a.mul(y).div(scale);
  return b.add(a).add(y).add(z).mean();
}

/** @differentiable */
function watched(x: Tensor): Tensor {
  const y = withDerivative(x.square(), (ct: Tensor) => {
    kept.push(ct);
    const doubled = ct.mul(2);
    kept.push(doubled);
    return doubled;
  });
  return y.mul(x).sum();
}

/** @differentiable */
function guarded(x: Tensor): Tensor {
  let y = x.mul(3);
  try {
    y = y.add(x);
    if (y.size === 48 * 24) throw new Error("as it happens");
    y = y.square();
  } catch {
    y = y.sub(1);
  }
  return y.square().sum();
}

/** @differentiable */
function recursive(x: Tensor, depth: number): Tensor {
  if (depth === 0) return x;
  const y = x.sin().add(x);
  return recursive(y, depth - 1).mul(y);
}

interface Holder<T> {
  content: T;
}
/** @differentiable */
function twice<T>(holder: Holder<T>, f: (x: T) => T): T {
  return f(f(holder.content));
}

const x = made([48, 24], 3);
const results: Record<string, () => unknown> = {
  unrolled() {
    const cell = new Cell();
    const found = valueWithGradient((c: Cell, v: Tensor) => unrolled(c, v, 7))(cell, x);
    return [found, cell.last];
  },
  branches: () => [2, 4, 5, 9].map((n) => gradient((v: Tensor) => branches(v, n))(x)),
  shared: () => valueWithGradient(shared)(x),
  watched: () => gradient(watched)(x),
  guarded: () => gradient(guarded)(x),
  recursive: () => gradient((v: Tensor) => recursive(v, 4).sum())(x),
  generic: () => gradient((v: Tensor) => twice({ content: v.mul(2) }, (t) => t.square()).sum())(x),
  checkpointed: () => gradient((v: Tensor) => checkpoint((t: Tensor) => t.exp().mul(t))(v.mul(0.5)).sum())(x),
  closure: () =>
    gradient((v: Tensor) => {
      const w = v.mul(2);
      const f = (t: Tensor) => t.mul(w).add(w);
      return [v, w].map((t) => f(t)).reduce((a, b) => a.add(b)).sum();
    })(x),
  repeated() {
    const back = pullback((v: Tensor) => v.exp().mul(v).tanh())(x);
    return [back(x), back(x.mul(2)), back(x)];
  },
  second: () => gradient((v: Tensor) => gradient((u: Tensor) => u.pow(3).mul(u.exp()).sum())(v).square().sum())(x),
  products: () =>
    valueWithGradient((a: Tensor, b: Tensor) => {
      const c = a.matmul(b, { transposeB: true });
      const d = c.softmax().matmul(b);
      return d.sub(a).square().mean().add(c.mul(c).mean());
    })(x, x.add(1)),
};

class Mlp {
  layers = [new Linear(256, 128), new Linear(128, 128)];
  out = new Linear(128, 10);
  /** @differentiable */
  forward(input: Tensor): Tensor {
    let y = input;
    for (const layer of this.layers) y = layer.forward(y).relu();
    return this.out.forward(y);
  }
}

class Block {
  first = new RMSNorm(64);
  attention = new MultiHeadAttention(64, 4, { causal: true });
  second = new RMSNorm(64);
  wide = new Linear(64, 256);
  narrow = new Linear(256, 64);
  /** @differentiable */
  forward(input: Tensor): Tensor {
    const y = input.add(this.attention.forward(this.first.forward(input)));
    return y.add(this.narrow.forward(this.wide.forward(this.second.forward(y)).gelu()));
  }
}

class Transformer {
  blocks = [new Block(), new Block(), new Block()];
  out = new Linear(64, 32);
  /** @differentiable */
  forward(input: Tensor): Tensor {
    let y = input;
    for (const block of this.blocks) y = block.forward(y);
    return this.out.forward(y);
  }
}

declare const gc: () => void;

/** Parameters that are the same in every run. */
function settled<M extends object>(model: M): M {
  let seed = 0;
  const visit = (value: object): void => {
    for (const [key, item] of Object.entries(value)) {
      if (typeof item !== "object" || item === null) continue;
      if ("dataSync" in item)
        (value as Record<string, unknown>)[key] = made([...(item as Tensor).shape], ++seed).mul(0.1);
      else visit(item);
    }
  };
  visit(model);
  return model;
}

/** Bytes above those of before that one step reaches, and what it finds. */
function step<M extends object>(model: M, loss: (m: M) => { value: Tensor; gradient: unknown }) {
  gc();
  const before = memoryStats();
  const found = digest(loss(settled(model)));
  return { found, before: before.live, peak: memoryStats().peakLive };
}

const labels = (count: number, classes: number) => tensor(Array.from({ length: count }, (_, i) => i % classes), { dtype: "int32" });
const which = process.argv[2];
if (which === "mlp") {
  const [images, classes] = [made([2048, 256], 5), labels(2048, 10)];
  const found = step(new Mlp(), valueWithGradient((m: Mlp) => crossEntropy(m.forward(images), classes)));
  console.log(JSON.stringify(found));
} else if (which === "transformer") {
  const [tokens, classes] = [made([8, 64, 64], 5), labels(512, 32)];
  const found = step(
    new Transformer(),
    valueWithGradient((m: Transformer) => crossEntropy(m.forward(tokens).reshape([512, 32]), classes)),
  );
  console.log(JSON.stringify(found));
} else {
  const found = Object.entries(results).map(([name, run]) => [name, digest(run())]);
  console.log(JSON.stringify({ found, kept: digest(kept), x: digest(x) }));
}
