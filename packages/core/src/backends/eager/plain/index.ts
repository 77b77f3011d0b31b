/** Every primitive for every dtype and layout in plain JavaScript: right first, and the fallback of the fast kernels. */
export { cholesky, eigh, qr, svd } from "./decompositions.ts";
export { arange, binary, binaryScalar, cast, clip, full, unary, where } from "./elementwise.ts";
export { fourier } from "./fourier.ts";
export {
  concatenate,
  contiguous,
  gather,
  gatherAdjoint,
  pad,
  resolveIndex,
  scatterAdd,
  sliceUpdate,
  takeAlongAxis,
} from "./indexing.ts";
export { matmul, swapLast } from "./matmul.ts";
export { logSoftmax, rmsNorm, rmsNormAdjoint, rotary, softmax, softmaxAdjoint } from "./normalise.ts";
export { quantise } from "./quantise.ts";
export { argReduce, argsort, nonzero, reduce, scan } from "./reductions.ts";
export { determinant, solve, triangularSolve } from "./solving.ts";
export { cellRows, windowArgmax } from "./windows.ts";
