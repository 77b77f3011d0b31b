/** Draws whose spread follows from the number of connections, so that signals keep their size from layer to layer. */
import { qr, randn, randomUniform, type Tensor, truncatedNormal } from "@pullback/core";
import type { InitializerOptions } from "./uniform.ts";

/** Weights are `[out, in, …kernel]`: how many inputs a unit sees, and how many units an input reaches. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const [out = 1, into = 1, ...kernel] = shape;
  const window = kernel.reduce((product, extent) => product * extent, 1);
  return { fanIn: into * window, fanOut: out * window };
}

function uniform(shape: readonly number[], variance: number, { key }: InitializerOptions): Tensor {
  const bound = Math.sqrt(3 * variance);
  return randomUniform(shape, -bound, bound, key === undefined ? {} : { key });
}

/** The deviation of a standard normal that is cut off at two deviations. */
const truncatedDeviation = 0.879596566170685;

function normal(shape: readonly number[], variance: number, { key }: InitializerOptions): Tensor {
  const std = Math.sqrt(variance) / truncatedDeviation;
  return truncatedNormal(shape, 0, std, key === undefined ? {} : { key });
}

/** Uniform with variance `2 / (fanIn + fanOut)`. Glorot and Bengio 2010, equation 16. */
export function glorotUniform(shape: readonly number[], options: InitializerOptions = {}): Tensor {
  const { fanIn, fanOut } = fans(shape);
  return uniform(shape, 2 / (fanIn + fanOut), options);
}

/** Normal, cut off at two deviations, with variance `2 / (fanIn + fanOut)`. */
export function glorotNormal(shape: readonly number[], options: InitializerOptions = {}): Tensor {
  const { fanIn, fanOut } = fans(shape);
  return normal(shape, 2 / (fanIn + fanOut), options);
}

/** Uniform with variance `2 / fanIn`, for ReLU. He et al. 2015, equation 10. */
export function heUniform(shape: readonly number[], options: InitializerOptions = {}): Tensor {
  return uniform(shape, 2 / fans(shape).fanIn, options);
}

/** Normal, cut off at two deviations, with variance `2 / fanIn`. */
export function heNormal(shape: readonly number[], options: InitializerOptions = {}): Tensor {
  return normal(shape, 2 / fans(shape).fanIn, options);
}

/** Uniform with variance `1 / fanIn`. LeCun et al. 1998, section 4.6. */
export function leCunUniform(shape: readonly number[], options: InitializerOptions = {}): Tensor {
  return uniform(shape, 1 / fans(shape).fanIn, options);
}

/** Normal, cut off at two deviations, with variance `1 / fanIn`; what SELU needs. */
export function leCunNormal(shape: readonly number[], options: InitializerOptions = {}): Tensor {
  return normal(shape, 1 / fans(shape).fanIn, options);
}

/**
 * A matrix `[out, the rest]` with orthonormal rows or columns, whichever are fewer, times `gain`; every such matrix is
 * equally likely. Saxe, McClelland and Ganguli 2014.
 */
export function orthogonal(
  shape: readonly number[],
  { gain = 1, key }: InitializerOptions & { readonly gain?: number } = {},
): Tensor {
  const rows = shape[0];
  const columns = shape.slice(1).reduce((product, extent) => product * extent, 1);
  const tall = [Math.max(rows, columns), Math.min(rows, columns)];
  const draw = randn(tall, key === undefined ? {} : { key });
  // qr makes r's diagonal positive, which is what makes q uniform (Mezzadri 2007).
  const { q } = qr(draw);
  return (rows < columns ? q.transpose() : q).reshape(shape).mul(gain);
}
