/** Fused kernels: what they compute, their code, and those compiled so far. */
export { type Kernel, KernelCache, mostParameterBytes, mostParts, parameterBytes } from "./cache.ts";
export { binaryCode, unaryCode } from "./lane-code.ts";
export { type KernelSpec, type Lane, operandsOf, parameterLayout, type Run, type Step, standings } from "./spec.ts";
