/**
 * Second derivatives against the reference numbers of testdata/tensor/second-order (PyTorch in float64): the product of
 * the Hessian of <operation(inputs), cotangent> with the tangents, in forward mode over the gradient. One line per case,
 * since a function that is differentiated twice must be there to be seen.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { hessianVectorProduct } from "@pullback/autodiff";
import {
  avgPool2d,
  batchNormTraining,
  cholesky,
  conv1d,
  conv2d,
  convTranspose2d,
  cosineSimilarity,
  det,
  eigh,
  einsum,
  groupNorm,
  inverse,
  layerNorm,
  loadSafetensors,
  logdet,
  maxPool2d,
  rmsNorm,
  rotaryEmbedding,
  scaledDotProductAttention,
  solve,
  svd,
  type Tensor,
} from "../index.ts";

interface Case {
  readonly id: string;
  readonly wrt: readonly string[];
  readonly tangents: readonly string[];
  readonly hvp: readonly string[];
  readonly tolerance: { readonly hvp: { readonly rtol: number; readonly atol: number } };
}

const folder = new URL("../../testdata/tensor/second-order/", import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL("cases.json", folder), "utf8")) as { cases: Case[] };
const { tensors: data } = await loadSafetensors(fileURLToPath(new URL("data.safetensors", folder)));

function stored(name: string): Tensor {
  const found = data.get(name);
  if (found === undefined) throw new Error(`There is no ${name}`);
  return found;
}

/** The inner product of an output with its cotangent. */
function paired(output: Tensor, cotangent: string): Tensor {
  return output.mul(stored(cotangent)).sum();
}

function agrees(id: string, product: (inputs: never, tangents: never) => unknown): void {
  test(`second-order/${id}`, () => {
    const c = cases.find((each) => each.id === `second-order/${id}`) as Case;
    const got = product(c.wrt.map(stored) as never, c.tangents.map(stored) as never) as readonly Tensor[];
    const { rtol, atol } = c.tolerance.hvp;
    c.hvp.forEach((name, i) => {
      const want = stored(name).dataSync();
      const elements = (got[i] as Tensor).dataSync();
      expect(elements.length).toBe(want.length);
      for (let k = 0; k < want.length; k++) {
        const [x, y] = [elements[k] as number, want[k] as number];
        if (!(Math.abs(x - y) <= atol + rtol * Math.abs(y)))
          throw new Error(`input ${i}, element ${k}: got ${x}, want ${y}`);
      }
    });
  });
}

agrees(
  "tanh.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.tanh(), "tanh.1.ct")),
);
agrees(
  "sigmoid.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.sigmoid(), "sigmoid.1.ct")),
);
agrees(
  "exp.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.exp(), "exp.1.ct")),
);
agrees(
  "log.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.log(), "log.1.ct")),
);
agrees(
  "sqrt.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.sqrt(), "sqrt.1.ct")),
);
agrees(
  "sin.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.sin(), "sin.1.ct")),
);
agrees(
  "cos.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.cos(), "cos.1.ct")),
);
agrees(
  "square.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.square(), "square.1.ct")),
);
agrees(
  "reciprocal.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.reciprocal(), "reciprocal.1.ct")),
);
agrees(
  "rsqrt.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.rsqrt(), "rsqrt.1.ct")),
);
agrees(
  "log1p.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.log1p(), "log1p.1.ct")),
);
agrees(
  "expm1.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.expm1(), "expm1.1.ct")),
);
agrees(
  "erf.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.erf(), "erf.1.ct")),
);
agrees(
  "softplus.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.softplus(), "softplus.1.ct")),
);
agrees(
  "silu.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.silu(), "silu.1.ct")),
);
agrees(
  "mish.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.mish(), "mish.1.ct")),
);
agrees(
  "softsign.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.softsign(), "softsign.1.ct")),
);
agrees(
  "atan.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.atan(), "atan.1.ct")),
);
agrees(
  "asinh.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.asinh(), "asinh.1.ct")),
);
agrees(
  "logSigmoid.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.logSigmoid(), "logSigmoid.1.ct")),
);
agrees(
  "gelu.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.gelu(), "gelu.1.ct")),
);
agrees(
  "gelu.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.gelu("tanh"), "gelu.2.ct")),
);
agrees(
  "softCap.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.softCap(5), "softCap.1.ct")),
);
agrees(
  "pow.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.pow(b), "pow.1.ct")),
);
agrees(
  "pow.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.pow(3), "pow.2.ct")),
);
agrees(
  "div.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.div(b), "div.1.ct")),
);
agrees(
  "mul.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.mul(b), "mul.1.ct")),
);
agrees(
  "hypot.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.hypot(b), "hypot.1.ct")),
);
agrees(
  "atan2.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.atan2(b), "atan2.1.ct")),
);
agrees(
  "logAddExp.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.logAddExp(b), "logAddExp.1.ct")),
);
agrees(
  "logSumExp.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.logSumExp(-1), "logSumExp.1.ct")),
);
agrees(
  "logSumExp.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.logSumExp(), "logSumExp.2.ct")),
);
agrees(
  "prod.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.prod(-1), "prod.1.ct")),
);
agrees(
  "prod.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.prod(), "prod.2.ct")),
);
agrees(
  "variance.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.variance(-1), "variance.1.ct")),
);
agrees(
  "variance.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.variance(), "variance.2.ct")),
);
agrees(
  "std.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.std(-1), "std.1.ct")),
);
agrees(
  "std.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.std(), "std.2.ct")),
);
agrees(
  "norm.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.norm(-1), "norm.1.ct")),
);
agrees(
  "norm.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.norm(), "norm.2.ct")),
);
agrees(
  "mean.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.mean(-1), "mean.1.ct")),
);
agrees(
  "mean.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.mean(), "mean.2.ct")),
);
agrees(
  "cumprod.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.cumprod(1), "cumprod.1.ct")),
);
agrees(
  "logCumSumExp.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.logCumSumExp(0), "logCumSumExp.1.ct")),
);
agrees(
  "softmax.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.softmax(), "softmax.1.ct")),
);
agrees(
  "softmax.2",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.softmax(0), "softmax.2.ct")),
);
agrees(
  "logSoftmax.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.logSoftmax(), "logSoftmax.1.ct")),
);
agrees(
  "matmul.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.matmul(b), "matmul.1.ct")),
);
agrees(
  "matmul.2",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(a.matmul(b), "matmul.2.ct")),
);
agrees(
  "einsum.1",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) => paired(einsum("ij,jk,kl->il", a, b, c), "einsum.1.ct")),
);
agrees(
  "gather.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(a.gather(stored("gather.1.in1")), "gather.1.ct")),
);
agrees(
  "cosineSimilarity.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(cosineSimilarity(a, b), "cosineSimilarity.1.ct")),
);
agrees(
  "conv2d.1",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) => paired(conv2d(a, b, c, { padding: 1 }), "conv2d.1.ct")),
);
agrees(
  "conv2d.2",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) =>
    paired(conv2d(a, b, undefined, { stride: 2, groups: 2 }), "conv2d.2.ct"),
  ),
);
agrees(
  "conv1d.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(conv1d(a, b), "conv1d.1.ct")),
);
agrees(
  "convTranspose2d.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) =>
    paired(convTranspose2d(a, b, undefined, { stride: 2 }), "convTranspose2d.1.ct"),
  ),
);
agrees(
  "avgPool2d.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(avgPool2d(a, 2), "avgPool2d.1.ct")),
);
agrees(
  "maxPool2d.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(maxPool2d(a, 2), "maxPool2d.1.ct")),
);
agrees(
  "layerNorm.1",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) => paired(layerNorm(a, b, c), "layerNorm.1.ct")),
);
agrees(
  "rmsNorm.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(rmsNorm(a, b), "rmsNorm.1.ct")),
);
agrees(
  "batchNormTraining.1",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) => {
    const y = batchNormTraining(a, b, c);
    return paired(y.output, "batchNormTraining.1.ct.output")
      .add(paired(y.mean, "batchNormTraining.1.ct.mean"))
      .add(paired(y.variance, "batchNormTraining.1.ct.variance"));
  }),
);
agrees(
  "groupNorm.1",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) => paired(groupNorm(a, 2, b, c), "groupNorm.1.ct")),
);
agrees(
  "scaledDotProductAttention.1",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) =>
    paired(scaledDotProductAttention(a, b, c, { causal: true, softCap: 3 }), "scaledDotProductAttention.1.ct"),
  ),
);
agrees(
  "scaledDotProductAttention.2",
  hessianVectorProduct(([a, b, c]: [Tensor, Tensor, Tensor]) =>
    paired(
      scaledDotProductAttention(a, b, c, { scale: 0.5, queryOffset: 0, window: 3 }),
      "scaledDotProductAttention.2.ct",
    ),
  ),
);
agrees(
  "rotaryEmbedding.1",
  hessianVectorProduct(([a]: [Tensor]) =>
    paired(rotaryEmbedding(a, stored("rotaryEmbedding.1.in1")), "rotaryEmbedding.1.ct"),
  ),
);
agrees(
  "cholesky.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(cholesky(a), "cholesky.1.ct")),
);
agrees(
  "solve.1",
  hessianVectorProduct(([a, b]: [Tensor, Tensor]) => paired(solve(a, b), "solve.1.ct")),
);
agrees(
  "inverse.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(inverse(a), "inverse.1.ct")),
);
agrees(
  "logdet.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(logdet(a), "logdet.1.ct")),
);
agrees(
  "det.1",
  hessianVectorProduct(([a]: [Tensor]) => paired(det(a), "det.1.ct")),
);
agrees(
  "eigh.1",
  hessianVectorProduct(([a]: [Tensor]) => {
    const y = eigh(a);
    return paired(y.values, "eigh.1.ct.values").add(paired(y.vectors, "eigh.1.ct.vectors"));
  }),
);
agrees(
  "svd.1",
  hessianVectorProduct(([a]: [Tensor]) => {
    const y = svd(a);
    return paired(y.u, "svd.1.ct.u").add(paired(y.s, "svd.1.ct.s")).add(paired(y.vh, "svd.1.ct.vh"));
  }),
);
