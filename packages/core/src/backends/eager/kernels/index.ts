/** Generated WebAssembly kernels for what takes the time; the rest is plain JavaScript. */
export { MatmulKernels } from "./matmul.ts";
