/** Generated WebAssembly kernels for what takes the time; the rest is plain JavaScript. */
export { CopyKernels } from "./copy.ts";
export { ElementwiseKernels } from "./elementwise.ts";
export { MatmulKernels } from "./matmul.ts";
