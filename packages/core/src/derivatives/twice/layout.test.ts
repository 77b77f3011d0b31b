/** Shape, layout and indexing, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import { concatenate, scatterND, stack, type Tensor, tensor } from "../../index.ts";
import { agrees, inner, mix, positive, small } from "./test-twice.ts";

const chosen = tensor([true, false, true, true]).broadcastTo([3, 4]);
const picked = tensor([2, 0, 2], { dtype: "int32" });
const along = tensor(
  [
    [0, 3],
    [1, 1],
    [2, 0],
  ],
  { dtype: "int32" },
);
const places = tensor(
  [
    [0, 1],
    [2, 3],
  ],
  { dtype: "int32" },
);

{
  const f = ([x]: [Tensor]) => mix(x.reshape([4, -1]));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("reshape", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.flatten());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("flatten", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.expandDims(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("expandDims", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.expandDims(0).squeeze(0));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("squeeze", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.transpose());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("transpose", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.swapAxes(0, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("swapAxes", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.moveAxis(0, -1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("moveAxis", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.broadcastTo([2, 3, 4]));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("broadcastTo", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.sumTo([1, 4]));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("sumTo", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.tile([2, 1]));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("tile", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.repeat(2, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("repeat", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const [a, b] = x.unstack(0);
    return mix(a!.mul(b!));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("unstack", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const [a, b] = x.split(2, 1);
    return mix(a!.mul(b!));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("split", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.flip(0));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("flip", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.roll(1, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("roll", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) =>
    mix(
      x.pad([
        [1, 0],
        [0, 2],
      ]),
    );
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("pad", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) =>
    mix(
      x.pad(
        [
          [1, 1],
          [2, 0],
        ],
        { mode: "reflect" },
      ),
    );
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("pad by reflection", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) =>
    mix(
      x.pad(
        [
          [1, 1],
          [2, 0],
        ],
        { mode: "edge" },
      ),
    );
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("pad by the edge", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) =>
    mix(
      x.pad(
        [
          [1, 1],
          [2, 0],
        ],
        { mode: "symmetric" },
      ),
    );
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("pad by symmetry", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) =>
    mix(
      x.pad(
        [
          [1, 1],
          [2, 0],
        ],
        { mode: "wrap" },
      ),
    );
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("pad around", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.diagonal(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("diagonal", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.diagEmbed());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("diagEmbed", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.tril());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("tril", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.triu(1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("triu", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.bandPart(1, 0));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("bandPart", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.slice([0, 3], [0, 3]).trace());
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("trace", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.slice([2, undefined, -1], [1, 3]));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("slice", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.gather(picked, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("gather", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.takeAlongAxis(along, 1));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("takeAlongAxis", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.gatherND(places));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("gatherND", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(x.booleanMask(chosen));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("booleanMask", [small(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(concatenate([a, b], 1));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("concatenate", [small(3, 4), small(3, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(stack([a, b], 1));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("stack", [small(3, 4), positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.with([1, [0, 4, 2]], b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("with", [small(3, 4), positive(2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.withDiagonal(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("withDiagonal", [small(3, 3), positive(3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.scatterAdd(along, b, 1));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("scatterAdd", [small(3, 4), positive(3, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.indexAdd(picked, b, 1));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("indexAdd", [small(3, 4), positive(3, 3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(scatterND(places, x, [3, 4]));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("scatterND", [small(2)], gradient(f), hessianVectorProduct(f), twice);
}
