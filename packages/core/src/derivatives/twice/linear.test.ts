/** Linear algebra and Fourier transforms, differentiated twice (test-twice.ts says how). */
import { gradient, hessianVectorProduct } from "@pullback/autodiff";
import {
  cholesky,
  cosineSimilarity,
  det,
  eigh,
  einsum,
  eye,
  fft,
  ifft,
  inverse,
  irfft,
  logdet,
  qr,
  rfft,
  slogdet,
  solve,
  svd,
  type Tensor,
  triangularSolve,
} from "../../index.ts";
import { agrees, inner, mix, positive, small, spread } from "./test-twice.ts";

const wide = { dtype: "float64" } as const;

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.matmul(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("matmul", [small(2, 3, 4), small(4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.matmul(b, { transposeA: true, transposeB: true }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("matmul, turned", [small(4, 3), small(2, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.matmul(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("matmul of vectors", [small(4), small(4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.dot(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("dot", [small(4), positive(4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(a.outer(b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("outer", [small(4), positive(3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(einsum("bij,bjk->ik", a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("einsum", [small(2, 3, 4), small(2, 4, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(einsum("ii->i", x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("einsum of a diagonal", [small(3, 3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(cholesky(x.matmul(x, { transposeB: true }).add(eye(3, 3, wide))));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cholesky", [small(3, 3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(cholesky(x.matmul(x, { transposeB: true }).add(eye(3, 3, wide)), { upper: true }));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("cholesky, upper", [small(3, 3)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const { q, r } = qr(x);
    return mix(q).add(mix(r));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("qr", [small(4, 3).add(spread(4, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const { u, s, vh } = svd(x);
    return mix(u).add(mix(s)).add(mix(vh));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("svd", [small(4, 3).add(spread(4, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const { values, vectors } = eigh(x);
    return mix(values).add(mix(vectors));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("eigh", [small(3, 3).add(spread(3, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(solve(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("solve", [small(3, 3).add(spread(3, 3)), small(3, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(triangularSolve(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("triangularSolve", [small(3, 3).add(spread(3, 3)), small(3, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(triangularSolve(a, b, { upper: true, transpose: true }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees(
    "triangularSolve, upper, turned",
    [small(3, 3).add(spread(3, 3)), small(3, 2)],
    gradient(f),
    hessianVectorProduct(f),
    twice,
  );
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(triangularSolve(a, b, { unitDiagonal: true }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("triangularSolve, unit diagonal", [small(3, 3), small(3, 2)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(inverse(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("inverse", [small(3, 3).add(spread(3, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(det(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("det", [small(3, 3).add(spread(3, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(logdet(x));
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("logdet", [small(3, 3).add(spread(3, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => mix(slogdet(x).logAbsDet);
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("slogdet", [small(3, 3).add(spread(3, 3))], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(cosineSimilarity(a, b));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("cosineSimilarity", [small(3, 4), positive(3, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const { real, imag } = fft(x, { norm: "ortho" });
    return mix(real.mul(imag));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("fft", [small(2, 5)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => {
    const { real, imag } = ifft({ real: a, imag: b });
    return mix(real.mul(imag));
  };
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("ifft", [small(2, 4), positive(2, 4)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([x]: [Tensor]) => {
    const { real, imag } = rfft(x);
    return mix(real.mul(imag));
  };
  const twice = (v: [Tensor]) => gradient((y: [Tensor]) => inner(gradient(f)(y), v));
  agrees("rfft", [small(2, 5)], gradient(f), hessianVectorProduct(f), twice);
}

{
  const f = ([a, b]: [Tensor, Tensor]) => mix(irfft({ real: a, imag: b }));
  const twice = (v: [Tensor, Tensor]) => gradient((y: [Tensor, Tensor]) => inner(gradient(f)(y), v));
  agrees("irfft", [small(2, 3), positive(2, 3)], gradient(f), hessianVectorProduct(f), twice);
}
