/** Convolution of 3 × 3 taps with a quarter of the multiplications. */
export { Winograd } from "./winograd.ts";
