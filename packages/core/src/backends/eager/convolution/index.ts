/** Convolution kernels. */
export { ConvolutionKernels } from "./convolution.ts";
