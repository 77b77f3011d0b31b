/** Functions of two elements, broadcast, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import { meshgrid, type Tensor, tensor, where } from "../../index.ts";
import { agrees, inner, mix, positive, small } from "./test-twice.ts";

const chosen = tensor([true, false, true, true]).broadcastTo([3, 4]);

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.add(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("add", [small(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.sub(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("sub", [small(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.mul(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("mul", [small(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.squaredDifference(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("squaredDifference", [small(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.floorDiv(b).add(a).mul(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("floorDiv", [small(3, 4), positive(3, 1)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.div(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("div", [small(3, 4), positive(3, 1)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.pow(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("pow", [positive(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a]: [Tensor]) => mix(a.pow(3));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("pow of a number", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.maximum(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("maximum", [small(3, 4), small(4, 1).add(0.05).transpose()], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.minimum(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("minimum", [small(3, 4), small(4, 1).add(0.05).transpose()], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.hypot(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("hypot", [small(3, 4), small(4, 1).add(0.05).transpose()], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.logAddExp(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("logAddExp", [small(3, 4), small(4, 1).add(0.05).transpose()], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.atan2(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("atan2", [small(3, 4), positive(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.remainder(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("remainder", [small(3, 4).mul(5), positive(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.fmod(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("fmod", [small(3, 4).mul(5), positive(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(where(chosen, a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("where", [small(3, 4), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => {
    const [x, y] = meshgrid(a, b);
    return mix(x!.mul(y!));
  };
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("meshgrid", [small(3), small(4)], gradient(f), hessianVectorProduct(f), twice);
}
