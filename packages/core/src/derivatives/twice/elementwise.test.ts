/** Functions of single elements, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import type { Tensor } from "../../index.ts";
import { agrees, inner, mix, positive, small } from "./test-twice.ts";

{
  const f = ([x]: [Tensor]) => mix(x.neg());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("neg", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.square());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("square", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.exp());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("exp", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.exp2());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("exp2", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.exp10());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("exp10", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.expm1());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("expm1", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sin());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sin", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cos());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cos", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.tan());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("tan", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.asin());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("asin", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.acos());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("acos", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.atan());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("atan", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sinh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sinh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cosh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cosh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.tanh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("tanh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.asinh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("asinh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.atanh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("atanh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.erf());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("erf", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.erfc());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("erfc", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.erfInv());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("erfInv", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sigmoid());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sigmoid", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.logSigmoid());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logSigmoid", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.softplus());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("softplus", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.softsign());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("softsign", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.silu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("silu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mish());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("mish", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.elu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("elu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.celu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("celu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.selu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("selu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.leakyRelu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("leakyRelu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.hardTanh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("hardTanh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.hardSigmoid());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("hardSigmoid", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.hardSwish());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("hardSwish", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.relu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("relu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.relu6());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("relu6", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.abs());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("abs", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.reciprocal());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("reciprocal", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sqrt());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sqrt", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.rsqrt());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("rsqrt", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.log());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("log", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.log2());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("log2", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.log10());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("log10", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.log1p());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("log1p", [positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.acosh());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("acosh", [positive(3, 4).add(1)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mul(9).relu6());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("relu6, far out", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mul(6).hardSigmoid());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("hardSigmoid, far out", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.mul(6).hardSwish());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("hardSwish, far out", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.leakyRelu(0.3));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("leakyRelu of slope 0.3", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.elu(0.5));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("elu of alpha 0.5", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.celu(2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("celu of alpha 2", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.gelu());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("gelu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.gelu("tanh"));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("gelu by tanh", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.clip(-0.4, 0.5));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("clip", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.softCap(0.7));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("softCap", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sign().mul(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sign", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.ceil().mul(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("ceil", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.floor().mul(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("floor", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.round().mul(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("round", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.trunc().mul(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("trunc", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.cast("float64"));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cast", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}
