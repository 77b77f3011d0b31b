/**
 * Every registered derivative against central differences in float64, over generated shapes and axes. The table must
 * hold an entry for each of them: a rule without one fails the last test.
 */
import { describe, expect, test } from "@jest/globals";
import { type AnyFunction, derivativeOf } from "@pullback/autodiff";
import fc from "fast-check";
import * as core from "../index.ts";
import { randomKey, type Shape, Tensor, tensor } from "../index.ts";
import { convolve, convolveInputAdjoint, convolveWeightAdjoint } from "../operations/convolution.ts";
import { sumOfProducts } from "../operations/einsum.ts";
import { transform } from "../operations/fourier.ts";
import { gatherAdjoint } from "../operations/gathering.ts";
import { choleskyFactor, solveMatrices, solveTriangle } from "../operations/linear-algebra.ts";
import { rmsNormAdjoint } from "../operations/normalization.ts";
import { rotaryAngles, rotate } from "../operations/rotary.ts";
import { softmaxAdjoint } from "../operations/softmax.ts";
import { geluTanh, geluTanhDerivative } from "../operations/unary.ts";
import { sizeOf } from "../shape.ts";

/** Draws the arguments of one call. */
interface Draw {
  /** A whole number from low to high. */
  integer(low: number, high: number): number;
  pick<T>(choices: readonly T[]): T;
  /** A shape of a rank between the two. */
  shape(lowRank: number, highRank: number): number[];
  axis(rank: number): number;
  axes(rank: number): number | number[] | undefined;
  permutation(count: number): number[];
  /** A float64 tensor with elements in [low, high), in random memory order. */
  tensor(shape: Shape, low?: number, high?: number): Tensor;
  /** As `tensor`, any two elements at least 0.05 apart, so that no tie or reordering lies near. */
  distinct(shape: Shape): Tensor;
  indices(shape: Shape, extent: number): Tensor;
  /** A shape that broadcasts with the given one. */
  partner(shape: Shape): number[];
}

function drawWith(seed: number): Draw {
  let state = seed >>> 0;
  const unit = (): number => {
    // Marsaglia's xorshift is plenty for choosing test points.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  state = (state ^ 0x9e3779b9) >>> 0 || 1;
  for (let i = 0; i < 4; i++) unit();
  const draw: Draw = {
    integer: (low, high) => low + Math.floor(unit() * (high - low + 1)),
    pick: (choices) => choices[draw.integer(0, choices.length - 1)]!,
    shape: (low, high) => Array.from({ length: draw.integer(low, high) }, () => draw.integer(1, 3)),
    axis: (rank) => draw.integer(-rank, rank - 1),
    axes: (rank) => {
      if (rank === 0) return undefined;
      const choice = draw.integer(0, 2);
      if (choice === 0) return undefined;
      return choice === 1 ? draw.axis(rank) : draw.permutation(rank).slice(0, draw.integer(1, rank));
    },
    permutation: (count) => {
      const order = Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = draw.integer(0, i);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
    tensor: (shape, low = -2, high = 2) => {
      const data = Float64Array.from({ length: sizeOf(shape) }, () => low + unit() * (high - low));
      if (shape.length >= 2 && draw.integer(0, 1) === 1)
        return tensor(data, { shape: [...shape].reverse(), dtype: "float64" }).transpose();
      return tensor(data, { shape, dtype: "float64" });
    },
    distinct: (shape) => {
      const order = draw.permutation(sizeOf(shape));
      const data = Float64Array.from(order, (place) => (place - order.length / 2) * 0.1 + 0.03 + unit() * 0.05);
      return tensor(data, { shape, dtype: "float64" });
    },
    indices: (shape, extent) =>
      tensor(
        Int32Array.from({ length: sizeOf(shape) }, () => draw.integer(0, extent - 1)),
        { shape },
      ),
    partner: (shape) =>
      draw.pick([
        [...shape],
        shape.map((extent) => (draw.integer(0, 1) === 0 ? 1 : extent)),
        shape.slice(draw.integer(0, shape.length)),
        [draw.integer(1, 2), ...shape],
      ]),
  };
  return draw;
}

interface Entry {
  readonly target: AnyFunction;
  readonly arguments: (draw: Draw) => unknown[];
}

const table = new Map<string, Entry>();
const method = (name: Exclude<keyof Tensor, symbol>, make: Entry["arguments"]): void => {
  table.set(name, { target: Tensor.prototype[name] as AnyFunction, arguments: make });
};
const free = (target: AnyFunction, make: Entry["arguments"]): void => {
  table.set(target.name, { target, arguments: make });
};

// Elementwise, away from kinks and the ends of domains.
const unaries: [Exclude<keyof Tensor, symbol>, low: number, high: number][] = [
  ["abs", 0.1, 2],
  ["neg", -2, 2],
  ["square", -2, 2],
  ["reciprocal", 0.5, 2],
  ["sqrt", 0.2, 2],
  ["rsqrt", 0.5, 2],
  ["exp", -2, 2],
  ["exp2", -2, 2],
  ["exp10", -1, 1],
  ["expm1", -2, 2],
  ["log", 0.3, 3],
  ["log2", 0.3, 3],
  ["log10", 0.3, 3],
  ["log1p", -0.5, 2],
  ["sin", -3, 3],
  ["cos", -3, 3],
  ["tan", -1, 1],
  ["asin", -0.8, 0.8],
  ["acos", -0.8, 0.8],
  ["atan", -3, 3],
  ["sinh", -2, 2],
  ["cosh", -2, 2],
  ["tanh", -2, 2],
  ["asinh", -2, 2],
  ["acosh", 1.3, 3],
  ["atanh", -0.8, 0.8],
  ["erf", -2, 2],
  ["erfc", -2, 2],
  ["erfInv", -0.8, 0.8],
  ["sigmoid", -3, 3],
  ["logSigmoid", -3, 3],
  ["softplus", -3, 3],
  ["relu", 0.1, 2],
  ["silu", -3, 3],
  ["sign", 0.1, 2],
  ["ceil", 0.1, 0.9],
  ["floor", 0.1, 0.9],
  ["round", 0.6, 1.4],
  ["trunc", 0.1, 0.9],
  ["softsign", 0.1, 2],
  ["relu6", 0.1, 5.9],
  ["hardTanh", -0.9, 0.9],
  ["hardSigmoid", -2.9, 2.9],
  ["hardSwish", -2.9, 2.9],
  ["selu", -2, -0.1],
  ["mish", -3, 3],
  ["barrier", -2, 2],
];
for (const [name, low, high] of unaries) {
  method(name, (d) => [
    d.tensor(d.shape(0, 3), low, high).mul(d.pick([1, name === "abs" || name === "relu" ? -1 : 1])),
  ]);
}
for (const name of ["leakyRelu", "elu", "celu"] as const)
  method(name, (d) => [d.tensor(d.shape(0, 3), 0.1, 2).mul(d.pick([1, -1])), d.pick([0.3, 1.5])]);
method("gelu", (d) => [d.tensor(d.shape(0, 3), -3, 3), d.pick(["none", "tanh"])]);
free(geluTanh, (d) => [d.tensor(d.shape(0, 3), -3, 3)]);
free(geluTanhDerivative, (d) => [d.tensor(d.shape(0, 3), -3, 3)]);
method("softCap", (d) => [d.tensor(d.shape(0, 3), -3, 3), 2.5]);
method("clip", (d) => [d.tensor(d.shape(0, 3), 0.1, 0.9), d.pick([undefined, 0, 1]), d.pick([undefined, 1.5])]);
method("cast", (d) => [d.tensor(d.shape(0, 3)), "float64"]);
method("to", (d) => [d.tensor(d.shape(0, 3)), "eager"]);
method("item", (d) => [d.tensor(d.pick([[], [1], [1, 1]]))]);

// Two operands: broadcasting tensors or a number.
const pair = (d: Draw, low: number, high: number, lowB = low, highB = high): unknown[] => {
  const shape = d.shape(0, 3);
  const a = d.tensor(shape, low, high);
  return [a, d.integer(0, 3) === 0 ? lowB + 0.37 * (highB - lowB) : d.tensor(d.partner(shape), lowB, highB)];
};
for (const name of ["add", "sub", "mul", "logAddExp", "squaredDifference"] as const)
  method(name, (d) => pair(d, -2, 2));
method("div", (d) => pair(d, -2, 2, 0.5, 2));
method("floorDiv", (d) => pair(d, 0.1, 0.9, 1, 2));
method("remainder", (d) => pair(d, -3.9, -3.1, 1.6, 1.9));
method("fmod", (d) => pair(d, -3.9, -3.1, 1.6, 1.9));
method("pow", (d) => pair(d, 0.5, 2, -2, 2));
method("atan2", (d) => pair(d, 0.3, 2, -2, 2));
method("hypot", (d) => pair(d, 0.3, 2));
for (const name of ["maximum", "minimum"] as const)
  method(name, (d) => (d.integer(0, 1) === 0 ? pair(d, 0, 1, 1.1, 2) : pair(d, 1.1, 2, 0, 1)));
free(core.where, (d) => {
  const shape = d.shape(0, 3);
  const condition = d.tensor(d.partner(shape)).greater(0);
  return [condition, d.tensor(shape), d.integer(0, 2) === 0 ? 0.7 : d.tensor(shape.map(() => 1))];
});

// Reductions and scans.
const reduced = (d: Draw, x: Tensor): unknown[] => [x, d.axes(x.rank), d.pick([true, false])];
for (const name of ["sum", "mean", "prod", "logSumExp"] as const)
  method(name, (d) => reduced(d, d.tensor(d.shape(0, 3))));
for (const name of ["max", "min"] as const) method(name, (d) => reduced(d, d.distinct(d.shape(0, 3))));
method("variance", (d) => [...reduced(d, d.tensor(d.shape(1, 3).map((extent) => extent + 1))), d.integer(0, 1)]);
method("std", (d) => [...reduced(d, d.distinct(d.shape(1, 3).map((extent) => extent + 1))), d.integer(0, 1)]);
method("norm", (d) => [...reduced(d, d.distinct(d.shape(1, 3))), d.pick([1, 2, 3, 1.5, Infinity, -Infinity, 0])]);
for (const name of ["cumsum", "cumprod"] as const)
  method(name, (d) => {
    const x = d.tensor(d.shape(1, 3));
    const zeroed = d.pick([true, false]) ? x : x.mul(x.greater(0.5).logicalNot().cast("float64"));
    return [zeroed, d.axis(x.rank), { exclusive: d.pick([true, false]), reverse: d.pick([true, false]) }];
  });
for (const name of ["cummax", "cummin"] as const)
  method(name, (d) => {
    const x = d.distinct(d.shape(1, 3));
    return [x, d.axis(x.rank)];
  });
for (const name of ["logCumSumExp", "softmax", "logSoftmax"] as const)
  method(name, (d) => {
    const x = d.tensor(d.shape(1, 3));
    return [x, d.axis(x.rank)];
  });
method("moments", (d) => reduced(d, d.tensor(d.shape(1, 3))));
method("sort", (d) => {
  const x = d.distinct(d.shape(1, 3));
  return [x, d.axis(x.rank), d.pick([true, false])];
});
method("topK", (d) => [d.distinct([3, 4]), d.integer(1, 3), d.axis(2), { largest: d.pick([true, false]) }]);
free(softmaxAdjoint, (d) => {
  const shape = d.shape(1, 3);
  return [d.tensor(shape), d.tensor(shape), d.axis(shape.length)];
});

// Layout.
method("reshape", (d) => {
  const x = d.tensor(d.shape(0, 3));
  return [x, d.pick([[x.size], [1, x.size], [-1, 1], [...x.shape].reverse()])];
});
method("flatten", (d) => [d.tensor(d.shape(0, 3))]);
method("expandDims", (d) => [d.tensor(d.shape(0, 3)), d.pick([0, -1, [0, 1]])]);
method("squeeze", (d) => [d.tensor([1, ...d.shape(0, 2), 1]), d.pick([undefined, 0, -1, [0, -1]])]);
method("transpose", (d) => {
  const x = d.tensor(d.shape(0, 3));
  return [x, d.pick([undefined, d.permutation(x.rank)])];
});
for (const name of ["swapAxes", "moveAxis"] as const)
  method(name, (d) => {
    const x = d.tensor(d.shape(1, 3));
    return [x, d.axis(x.rank), d.axis(x.rank)];
  });
method("broadcastTo", (d) => {
  const shape = d.shape(0, 3);
  return [d.tensor(shape.map((extent) => d.pick([1, extent]))), [d.integer(1, 2), ...shape]];
});
method("sumTo", (d) => {
  const shape = d.shape(0, 3);
  return [d.tensor([d.integer(1, 2), ...shape]), shape.map((extent) => d.pick([1, extent]))];
});
method("tile", (d) => [d.tensor(d.shape(0, 2)), d.pick([[2], [2, 1], [1, 3, 2], []])]);
method("repeat", (d) => {
  const x = d.tensor(d.shape(1, 3));
  return [x, d.integer(1, 3), d.axis(x.rank)];
});
method("flip", (d) => {
  const x = d.tensor(d.shape(1, 3));
  return [x, d.axes(x.rank)];
});
method("roll", (d) => {
  const x = d.tensor(d.shape(1, 3));
  return d.pick([
    [x, d.integer(-4, 4)],
    [x, d.integer(-4, 4), d.axis(x.rank)],
    [x, [1, -1], [0, -1]],
  ]);
});
method("pad", (d) => {
  const x = d.tensor(d.shape(0, 3));
  const widths = x.shape.map(() => [d.integer(0, 2), d.integer(0, 2)]);
  return [x, widths, { mode: d.pick(["constant", "reflect", "symmetric", "edge", "wrap"]) }];
});
free(core.concatenate, (d) => {
  const shape = d.shape(1, 3);
  const axis = d.axis(shape.length);
  const along = axis < 0 ? axis + shape.length : axis;
  const part = (): Tensor => d.tensor(shape.map((extent, i) => (i === along ? d.integer(0, 2) : extent)));
  return [Array.from({ length: d.integer(1, 3) }, part), axis];
});
free(core.stack, (d) => {
  const shape = d.shape(0, 2);
  return [Array.from({ length: d.integer(1, 3) }, () => d.tensor(shape)), d.axis(shape.length + 1)];
});
method("unstack", (d) => {
  const x = d.tensor(d.shape(1, 3));
  return [x, d.axis(x.rank)];
});
method("split", (d) =>
  d.pick([
    [d.tensor([2, 6]), 3, 1],
    [d.tensor([5, 2]), [1, 0, 4]],
  ]),
);

// Indexing.
const indexed = (d: Draw): [Tensor, unknown[], number[]] => {
  const x = d.tensor([3, 2, 4]);
  return d.pick<[Tensor, unknown[], number[]]>([
    [x, [1], [2, 4]],
    [x, [-1, "...", [undefined, undefined, -1]], [2, 4]],
    [x, [[0, 3, 2], "newAxis", undefined, [1, 3]], [2, 1, 2, 2]],
    [x, ["...", 2], [3, 2]],
    [x, [[2, 1]], [0, 2, 4]],
    [x, [0, 1, 2], []],
  ]);
};
method("slice", (d) => {
  const [x, index] = indexed(d);
  return [x, ...index];
});
method("with", (d) => {
  const [x, index, shape] = indexed(d);
  return [x, index, d.pick<unknown>([0.4, d.tensor(shape), d.tensor(shape.map(() => 1))])];
});
method("gather", (d) => {
  const x = d.tensor(d.shape(1, 3));
  const axis = d.axis(x.rank);
  return [x, d.indices(d.shape(0, 2), x.shape.at(axis)!), axis];
});
free(gatherAdjoint, (d) => {
  const indices = d.indices([2, 3], 4);
  return [d.tensor([2, 2, 3, 2]), indices, 1, 4];
});
free(core.embedding, (d) => [d.indices(d.shape(0, 2), 4), d.tensor([4, 3])]);
method("takeAlongAxis", (d) =>
  d.pick([
    [d.tensor([3, 4]), d.indices([3, 2], 4), 1],
    [d.tensor([3, 4]), d.indices([5, 4], 3), 0],
    [d.tensor([1, 4]), d.indices([3, 2], 4), -1],
    [d.tensor([3, 4]), d.indices([1, 2], 4), 1],
  ]),
);
method("scatterAdd", (d) =>
  d.pick([
    [d.tensor([4, 3]), d.indices([5, 3], 4), d.tensor([5, 3])],
    [d.tensor([2, 3]), d.indices([2, 4], 3), d.tensor([2, 4]), -1],
  ]),
);
method("indexAdd", (d) =>
  d.pick([
    [d.tensor([4, 3]), d.indices([5], 4), d.tensor([5, 3])],
    [d.tensor([2, 3]), d.indices([4], 3), d.tensor([2, 4]), 1],
  ]),
);
method("gatherND", (d) =>
  d.pick([
    [d.tensor([3, 4]), d.indices([5, 2], 3)],
    [d.tensor([3, 4]), d.indices([2, 1], 3)],
  ]),
);
free(core.scatterND, (d) =>
  d.pick([
    [d.indices([5, 2], 3), d.tensor([5]), [3, 4]],
    [d.indices([2, 1], 3), d.tensor([2, 4]), [3, 4]],
  ]),
);
method("booleanMask", (d) => {
  const x = d.tensor([3, 2, 2]);
  return d.pick([
    [x, d.tensor([3, 2]).greater(0)],
    [x, d.tensor([2]).greater(0), 2],
  ]);
});
for (const name of ["tril", "triu"] as const)
  method(name, (d) => [d.tensor([...d.shape(0, 1), 3, 4]), d.integer(-2, 2)]);
method("bandPart", (d) => [d.tensor([...d.shape(0, 1), 3, 4]), d.integer(-1, 2), d.integer(-1, 2)]);
method("diagonal", (d) =>
  d.pick([
    [d.tensor([3, 4]), d.integer(-4, 5)],
    [d.tensor([3, 2, 4]), d.integer(-2, 2), -1, 0],
  ]),
);
method("diagEmbed", (d) => [d.tensor(d.shape(1, 2)), d.integer(-2, 2)]);
method("trace", (d) => [d.tensor([...d.shape(0, 1), 3, d.integer(2, 4)])]);

// Products, normalisation, attention.
method("matmul", (d) => {
  const [m, n, p] = [d.integer(1, 3), d.integer(1, 3), d.integer(1, 3)];
  const options = { transposeA: d.pick([true, false]), transposeB: d.pick([true, false]) };
  const lead = d.pick<[number[], number[]]>([
    [[], []],
    [[2], []],
    [[2], [2]],
    [[], [3]],
    [[2, 1], [3]],
  ]);
  const a = [...lead[0], ...(options.transposeA ? [n, m] : [m, n])];
  const b = [...lead[1], ...(options.transposeB ? [p, n] : [n, p])];
  if (d.integer(0, 4) === 0) return [d.tensor([n]), d.tensor(b), options];
  if (d.integer(0, 4) === 0) return [d.tensor(a), d.tensor([n]), options];
  return [d.tensor(a), d.tensor(b), options];
});
free(sumOfProducts, (d) => {
  const [i, j, k] = [d.integer(1, 3), d.integer(1, 3), d.integer(1, 3)];
  const ij = d.tensor([i, j]);
  const jk = d.tensor([j, k]);
  return d.pick<unknown[]>([
    [
      [ij, jk],
      [
        ["i", "j"],
        ["j", "k"],
      ],
      ["k", "i"],
    ],
    [[ij, jk, d.tensor([k])], [["i", "j"], ["j", "k"], ["k"]], []],
    [
      [d.tensor([i, j, i]), jk],
      [
        ["i", "j", "i"],
        ["j", "k"],
      ],
      ["i", "k"],
    ],
    [[d.tensor([i, i, i])], [["i", "i", "i"]], ["i"]],
    [
      [ij, d.tensor([k, 1])],
      [
        ["i", "j"],
        ["k", "j"],
      ],
      ["j", "i"],
    ],
    [
      [ij, d.tensor([i, j])],
      [
        ["i", "j"],
        ["i", "j"],
      ],
      ["i", "j"],
    ],
  ]);
});
method("dot", (d) => {
  const count = d.integer(1, 4);
  return [d.tensor([count]), d.tensor([count])];
});
method("outer", (d) => [d.tensor([d.integer(1, 4)]), d.tensor([d.integer(1, 4)])]);
const sliding = (d: Draw): { stride: number[]; dilation: number[]; padding: [number, number][]; groups: number } => ({
  stride: [d.integer(1, 2), d.integer(1, 2)],
  dilation: [d.integer(1, 2), 1],
  padding: [
    [d.integer(0, 1), 1],
    [1, d.integer(0, 2)],
  ],
  groups: d.integer(1, 2),
});
free(convolve, (d) => {
  const how = sliding(d);
  return [d.tensor([2, 2 * how.groups, 4, 5]), d.tensor([how.groups * d.integer(1, 3), 2, 2, 3]), how];
});
free(convolveInputAdjoint, (d) => {
  const how = sliding(d);
  const weight = d.tensor([how.groups * d.integer(1, 3), 2, 2, 3]);
  const y = convolve(d.tensor([2, 2 * how.groups, 4, 5]), weight, how);
  return [d.tensor(y.shape), weight, how, [4, 5]];
});
free(convolveWeightAdjoint, (d) => {
  const how = sliding(d);
  const x = d.tensor([2, 2 * how.groups, 4, 5]);
  const y = convolve(x, d.tensor([how.groups * d.integer(1, 3), 2, 2, 3]), how);
  return [x, d.tensor(y.shape), how, [2, 3]];
});
// Away from the origin, where the slope is steep.
free(core.rmsNorm, (d) => {
  const shape = d.shape(2, 3);
  return d.pick([
    [d.tensor(shape, 0.3, 2), undefined],
    [d.tensor(shape, 0.3, 2), d.tensor(shape.slice(-1)), { offset: 1 }],
    [d.tensor(shape, 0.3, 2), d.tensor(shape.slice(-2)), { axes: [-2, -1], epsilon: 0.1 }],
  ]);
});
free(rmsNormAdjoint, (d) => {
  const shape = d.shape(1, 3);
  return [d.tensor(shape), d.pick([undefined, d.tensor(shape.slice(-1))]), d.tensor(shape), 0.01, 1];
});
free(core.layerNorm, (d) => {
  const shape = d.shape(2, 3).map((extent) => extent + 1);
  return d.pick([
    [d.tensor(shape)],
    [d.tensor(shape), d.tensor(shape.slice(-1)), d.tensor(shape.slice(-1))],
    [d.tensor(shape), d.tensor(shape.slice(-2)), undefined, { axes: [-2, -1], epsilon: 0.1 }],
  ]);
});
free(core.batchNormTraining, (d) => {
  const shape = d.shape(2, 4).map((extent) => extent + 1);
  const axis = d.integer(0, shape.length - 1);
  const parameter = () => d.pick([undefined, d.tensor([shape[axis]!])]);
  return [d.tensor(shape), parameter(), parameter(), { axis, epsilon: 0.1 }];
});
free(core.scaledDotProductAttention, (d) => {
  const [lead, groups, heads] = [d.shape(0, 1), d.integer(1, 2), d.integer(1, 2)];
  const [length, keys, dim] = [d.integer(1, 3), d.integer(3, 4), 2];
  const score = [heads * groups, length, keys];
  const options = {
    causal: d.pick([true, false]),
    ...d.pick([{}, { window: 2 }]),
    ...d.pick([{}, { softCap: 1.5 }]),
    ...d.pick([{}, { queryOffset: 0 }, { queryOffset: -1 }]),
    ...d.pick<object>([{}, { mask: d.tensor(score) }, { mask: d.tensor([length, keys]).greater(-0.5) }]),
  };
  return [
    d.tensor([...lead, heads * groups, length, dim]),
    d.tensor([...lead, heads, keys, dim]),
    d.tensor([...lead, heads, keys, 3]),
    options,
  ];
});
free(core.rotaryEmbedding, (d) => {
  const x = d.tensor([2, 3, 4]);
  return [x, d.pick([d.indices([3], 50), d.indices([2, 3], 50)]), d.pick([undefined, { base: 100, scalingFactor: 2 }])];
});
free(rotate, (d) => {
  const x = d.tensor([2, 3, 4]);
  return [x, rotaryAngles(x, d.indices([3], 50)), d.pick([1, -1])];
});
free(core.dropout, (d) => [d.tensor(d.shape(1, 3)), d.pick([0, 0.4, 1]), { key: randomKey(d.integer(0, 1000)) }]);

// Linear algebra: well conditioned, and values that differ where the factors depend on gaps.
const lead = (d: Draw): number[] => d.pick([[], [2]]);
/** A matrix near diag(1.5, 3, 4.5, …). */
const spaced = (d: Draw, batch: number[], rows: number, columns: number): Tensor => {
  const diagonal = core.eye(rows, columns, { dtype: "float64" }).mul(core.arange(1.5, 1.5 * columns + 1, 1.5));
  return d.tensor([...batch, rows, columns], -0.3, 0.3).add(diagonal);
};
free(choleskyFactor, (d) => {
  const n = d.integer(1, 3);
  return [spaced(d, lead(d), n, n)];
});
free(solveMatrices, (d) => {
  const [n, batch] = [d.integer(1, 3), lead(d)];
  return [spaced(d, batch, n, n), d.tensor([...batch, n, d.integer(1, 2)])];
});
free(solveTriangle, (d) => {
  const [n, batch] = [d.integer(1, 3), lead(d)];
  const flags = [d.pick([true, false]), d.pick([true, false]), d.pick([true, false])];
  return [spaced(d, batch, n, n), d.tensor([...batch, n, d.integer(1, 2)]), ...flags];
});
free(core.det, (d) => {
  const n = d.integer(1, 3);
  const regular = d.tensor([...lead(d), n, n]);
  // Singular: one row is zero.
  return [d.pick([regular, regular.mul(core.arange(0, n, 1).expandDims(-1))])];
});
free(core.slogdet, (d) => {
  const n = d.integer(1, 3);
  return [spaced(d, lead(d), n, n).mul(d.pick([1, -1]))];
});
free(core.qr, (d) => {
  const n = d.integer(1, 3);
  return [spaced(d, lead(d), n + d.integer(0, 2), n)];
});
free(core.svd, (d) => {
  const [m, n] = [d.integer(1, 4), d.integer(1, 4)];
  return [spaced(d, lead(d), m, n)];
});
free(core.eigh, (d) => {
  const n = d.integer(1, 3);
  return [spaced(d, lead(d), n, n)];
});
free(transform, (d) => {
  const shape = [...lead(d), d.integer(1, 6)];
  return [d.tensor(shape), d.tensor(shape), d.pick([1, -1])];
});

/** The inner product of two structures of tensors and numbers; what either lacks counts as zero. */
function inner(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined || a === null) return 0;
  if (typeof a === "number") return a * (b as number);
  if (a instanceof Tensor)
    return a.dtype === "float64"
      ? a
          .mul(b as Tensor)
          .sum()
          .item()
      : 0;
  if (typeof a !== "object") return 0;
  return Object.keys(a).reduce(
    (total, key) => total + inner((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    0,
  );
}

/** A random structure like `value`. */
function like(value: unknown, draw: Draw): unknown {
  if (typeof value === "number") return draw.integer(-8, 8) / 4 + 0.1;
  if (value instanceof Tensor) return value.dtype === "float64" ? draw.tensor(value.shape) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => like(entry, draw));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, like(entry, draw)]));
}

/** value + step * direction, where both are floating. */
function moved(value: unknown, direction: unknown, step: number): unknown {
  if (typeof value === "number") return value + step * (direction as number);
  if (value instanceof Tensor) return value.dtype === "float64" ? value.add((direction as Tensor).mul(step)) : value;
  if (Array.isArray(value)) return value.map((entry, i) => moved(entry, (direction as unknown[])[i], step));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    // Numbers inside option objects are constants of the call.
    Object.entries(value).map(([key, entry]) => [
      key,
      typeof entry === "object" ? moved(entry, (direction as Record<string, unknown>)[key], step) : entry,
    ]),
  );
}

/** Throws unless a cotangent has the shape and dtype of what it belongs to. */
function checkKind(cotangent: unknown, argument: unknown): void {
  if (cotangent === undefined) return;
  if (argument instanceof Tensor) {
    expect(cotangent).toBeInstanceOf(Tensor);
    expect((cotangent as Tensor).shape).toEqual(argument.shape);
    expect((cotangent as Tensor).dtype).toBe(argument.dtype);
  } else if (typeof argument === "number") expect(typeof cotangent).toBe("number");
}

describe("registered derivatives against central differences", () => {
  for (const [name, entry] of table)
    test(name, () => {
      const rule = derivativeOf(entry.target)?.registered;
      if (rule === undefined) throw new Error(`${name} has no registered derivative`);
      const isMethod = rule.receiver;
      const evaluate = (args: unknown[]): unknown =>
        isMethod ? entry.target.apply(args[0], args.slice(1)) : entry.target(...args);
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const draw = drawWith(seed);
          const args = entry.arguments(draw);
          const { value, pullback } = rule.vjp(...args);
          const ct = like(value, draw);
          const result = pullback(ct);
          const step = 1e-5;
          rule.positions.forEach((p, i) => {
            const cotangent = rule.positions.length === 1 ? result : (result as unknown[])[i];
            checkKind(cotangent, args[p]);
            const direction = like(args[p], draw);
            const shifted = (by: number): number =>
              inner(ct, evaluate(args.map((arg, j) => (j === p ? moved(arg, direction, by) : arg))));
            // Richardson: where a row's variance is nearly zero, the third derivative is what one step would measure.
            const difference = (by: number) => (shifted(by) - shifted(-by)) / (2 * by);
            const numeric = (4 * difference(step) - difference(2 * step)) / 3;
            const exact = inner(cotangent, direction);
            expect(Math.abs(exact - numeric)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(numeric)));
            const needs = rule.positions.map((_, j) => j === i);
            const alone = pullback(ct, needs);
            expect(inner(rule.positions.length === 1 ? alone : (alone as unknown[])[i], direction)).toBe(exact);
          });
          const together = rule.positions.map((p) => like(args[p], draw));
          const { value: again, differential } = rule.jvp!(...args);
          const forward = (tangents: unknown[]): number => inner(ct, differential(...tangents));
          // Dual: the cotangent meets the differential as the pullback meets the tangents.
          const entries = rule.positions.length === 1 ? [result] : (result as unknown[]);
          const reverse = entries.reduce((sum: number, entry, i) => sum + inner(entry, together[i]), 0);
          expect(Math.abs(forward(together) - reverse)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(reverse)));
          checkKind(differential(...together), value);
          expect(inner(ct, again)).toBe(inner(ct, value));
          // An argument that does not vary has no tangent.
          if (rule.positions.length > 1)
            together.forEach((tangent, i) => {
              const alone = forward(together.map((_, j) => (j === i ? tangent : undefined)));
              const expected = inner(entries[i], tangent);
              expect(Math.abs(alone - expected)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(expected)));
            });
        }),
        { numRuns: 25, examples: [[-1819618063]] },
      );
    });

  test("has an entry for every rule", () => {
    const operations: [string, unknown][] = [
      ...Object.getOwnPropertyNames(Tensor.prototype)
        .map((name): [string, PropertyDescriptor] => [name, Object.getOwnPropertyDescriptor(Tensor.prototype, name)!])
        .filter(([, descriptor]) => descriptor.get === undefined)
        .map(([name, descriptor]): [string, unknown] => [name, descriptor.value]),
      ...Object.entries(core),
    ];
    const registered = operations
      .filter(
        ([, value]) => typeof value === "function" && derivativeOf(value as AnyFunction)?.registered !== undefined,
      )
      .map(([name]) => name);
    expect(registered.length).toBeGreaterThan(100);
    expect(registered.filter((name) => !table.has(name))).toEqual([]);
  });
});
