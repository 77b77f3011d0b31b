/** Reductions and scans, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import { type Tensor, tensor } from "../../index.ts";
import { agrees, inner, mix, small } from "./test-twice.ts";

const zeroAt = tensor([1, 0, 1, 1], { dtype: "float64" });

{
  const f = ([x]: [Tensor]) => mix(x.sum(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sum", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sum());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sum of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mean(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("mean", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mean());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("mean of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.prod(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("prod", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.prod());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("prod of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.max(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("max", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.max());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("max of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.min(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("min", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.min());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("min of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.logSumExp(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logSumExp", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.logSumExp());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logSumExp of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.variance(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("variance", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.variance());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("variance of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.std(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("std", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.std());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("std of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.norm(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("norm", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.norm());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("norm of everything", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sum([0, 2], true));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sum, keeping axes", [small(2, 3, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.norm(-1, false, 3));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("norm of order 3", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.norm(0, false, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("norm of order 1", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.norm(0, false, Number.POSITIVE_INFINITY));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("norm of order infinity", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.variance(0, true, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("variance with correction", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.std(0, true, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("std with correction", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const { mean, variance } = x.moments(0);
    return mix(mean.mul(variance));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("moments", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mul(zeroAt).prod(-1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("prod with a zero", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cumsum(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cumsum", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cumprod(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cumprod", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cummax(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cummax", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cummin(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cummin", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.logCumSumExp(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logCumSumExp", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cumsum(0, { reverse: true, exclusive: true }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cumsum, reversed and exclusive", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cumprod(0, { reverse: true, exclusive: true }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cumprod, reversed and exclusive", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sort(-1, true));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sort", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.topK(2, 0).values);
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("topK", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}
