/** Normalisations, attention, embeddings, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import {
  batchNorm,
  batchNormTraining,
  dropout,
  embedding,
  groupNorm,
  instanceNorm,
  layerNorm,
  randomKey,
  rmsNorm,
  rotaryEmbedding,
  scaledDotProductAttention,
  type Tensor,
  tensor,
} from "../../index.ts";
import { agrees, inner, mix, positive, small } from "./test-twice.ts";

const picked = tensor([2, 0, 2], { dtype: "int32" });
const positions = tensor([0, 1, 2], { dtype: "int32" });

{
  const f = ([x]: [Tensor]) => mix(x.softmax());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("softmax", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.softmax(0));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("softmax of the first axis", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.logSoftmax());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logSoftmax", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.logSoftmax(0));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logSoftmax of the first axis", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(embedding(picked, x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("embedding", [small(4, 3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(batchNorm(a, b, c));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("batchNorm", [small(2, 3, 2), small(3), positive(3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => {
    const { output, mean, variance } = batchNormTraining(a, b, c);
    return mix(output).add(mix(mean.mul(variance)));
  };
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("batchNormTraining", [small(2, 3, 2), small(3), positive(3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(layerNorm(a, b, c));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("layerNorm", [small(3, 4), small(4), positive(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(rmsNorm(a, b, { offset: 1 }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("rmsNorm", [small(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(rmsNorm(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("rmsNorm without weights", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(groupNorm(a, 2, b, c));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("groupNorm", [small(2, 4, 3), small(4), positive(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(instanceNorm(a, b, c));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("instanceNorm", [small(2, 2, 4), small(2), positive(2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) =>
    mix(scaledDotProductAttention(a, b, c, { causal: true, softCap: 2 }));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees(
    "scaledDotProductAttention",
    [small(1, 4, 3, 2), small(1, 2, 3, 2), positive(1, 2, 3, 2)],
    gradient(f),
    hessianVectorProduct(f),
    twice,
  );
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(scaledDotProductAttention(a, b, c, { window: 2 }));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees(
    "scaledDotProductAttention in a window",
    [small(2, 4, 2), small(2, 4, 2), positive(2, 4, 2)],
    gradient(f),
    hessianVectorProduct(f),
    twice,
  );
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(scaledDotProductAttention(a, b, b, { mask: c }));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees(
    "scaledDotProductAttention with a mask",
    [small(2, 3, 2), small(2, 3, 2), positive(3, 3)],
    gradient(f),
    hessianVectorProduct(f),
    twice,
  );
}

{
  const f = ([x]: [Tensor]) => mix(rotaryEmbedding(x, positions));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("rotaryEmbedding", [small(2, 3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(dropout(x, 0.5, { key: randomKey(3) }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("dropout", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}
