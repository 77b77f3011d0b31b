/** Convolution, pooling, resizing, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  depthToSpace,
  dilation2d,
  erosion2d,
  fractionalMaxPool2d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  randomKey,
  resize,
  spaceToDepth,
  type Tensor,
} from "../../index.ts";
import { agrees, inner, mix, positive, small } from "./test-twice.ts";

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(conv1d(a, b, c, { padding: 1 }));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("conv1d", [small(1, 2, 5), small(2, 2, 3), small(2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(conv2d(a, b, c, { stride: 2, padding: 1, groups: 2 }));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("conv2d", [small(1, 2, 4, 4), small(4, 1, 3, 3), small(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(conv2d(a, b, undefined, { layout: "channelsLast", dilation: 2 }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("conv2d, channels last", [small(1, 5, 5, 2), small(2, 2, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(conv3d(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("conv3d", [small(1, 1, 3, 3, 3), small(2, 1, 2, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(convTranspose1d(a, b, undefined, { stride: 2 }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("convTranspose1d", [small(1, 2, 3), small(2, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b, c]: [Tensor, Tensor, Tensor]) => mix(convTranspose2d(a, b, c, { stride: 2, padding: 1 }));
  const twice = (v: [Tensor, Tensor, Tensor]) => gradient((y: [Tensor, Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees(
    "convTranspose2d",
    [small(1, 2, 3, 3), small(2, 1, 3, 3), small(1)],
    gradient(f),
    hessianVectorProduct(f),
    twice,
  );
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(convTranspose3d(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("convTranspose3d", [small(1, 1, 2, 2, 2), small(1, 2, 2, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(maxPool1d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("maxPool1d", [small(1, 2, 6)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(avgPool1d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("avgPool1d", [small(1, 2, 6)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(adaptiveAvgPool1d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("adaptiveAvgPool1d", [small(1, 2, 6)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(adaptiveMaxPool1d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("adaptiveMaxPool1d", [small(1, 2, 6)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(maxPool2d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("maxPool2d", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(avgPool2d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("avgPool2d", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(adaptiveAvgPool2d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("adaptiveAvgPool2d", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(adaptiveMaxPool2d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("adaptiveMaxPool2d", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(maxPool3d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("maxPool3d", [small(1, 1, 4, 4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(avgPool3d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("avgPool3d", [small(1, 1, 4, 4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(adaptiveAvgPool3d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("adaptiveAvgPool3d", [small(1, 1, 4, 4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(adaptiveMaxPool3d(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("adaptiveMaxPool3d", [small(1, 1, 4, 4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(maxPool2d(x, 3, { stride: 1, padding: 1 }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("maxPool2d, overlapping", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(avgPool2d(x, 3, { padding: "same", stride: 2 }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("avgPool2d, padded", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(fractionalMaxPool2d(x, 3, { key: randomKey(1) }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("fractionalMaxPool2d", [small(1, 2, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(dilation2d(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("dilation2d", [small(1, 2, 4, 4), positive(2, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(erosion2d(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("erosion2d", [small(1, 2, 4, 4), positive(2, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "nearest" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, nearest", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "bilinear" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, bilinear", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "bicubic" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, bicubic", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "lanczos3" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, lanczos3", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "lanczos5" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, lanczos5", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "gaussian" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, gaussian", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "mitchell" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, mitchell", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(resize(x, [3, 5], { mode: "area" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("resize, area", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(depthToSpace(x, 2));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("depthToSpace", [small(1, 4, 2, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(spaceToDepth(x, 2, { mode: "CRD" }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("spaceToDepth", [small(1, 1, 4, 4)], gradient(f), hessianVectorProduct(f), twice);
}
