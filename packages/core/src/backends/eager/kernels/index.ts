/** Generated WebAssembly kernels for what takes the time; the rest is plain JavaScript. */
export { AlongKernels } from "./along.ts";
export { CopyKernels } from "./copy.ts";
export { ElementwiseKernels } from "./elementwise.ts";
export { MatmulKernels } from "./matmul.ts";
export { NormaliseKernels } from "./normalise.ts";
export { RandomKernels } from "./random.ts";
export { ReductionKernels } from "./reductions.ts";
export { StoredKernels } from "./stored.ts";
export { WindowKernels } from "./windows.ts";
