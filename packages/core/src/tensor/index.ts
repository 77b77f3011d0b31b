/** The Tensor class and the functions that make tensors. */
export {
  arange,
  type CreationOptions,
  eye,
  full,
  linspace,
  meshgrid,
  ones,
  onesLike,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from "./creation.ts";
export type { NestedArray } from "./nested.ts";
export { type Device, Tensor } from "./tensor.ts";
