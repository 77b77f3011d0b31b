/** Random tensors. All derive from the bits of a key, by the same arithmetic on every backend. */
import { type Backend, currentBackend } from "../backend/index.ts";
import { eagerBackend } from "../backends/eager/index.ts";
import type { DType } from "../dtype.ts";
import { isFloating } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import type { Operand } from "../operations/operand.ts";
import type { Shape } from "../shape.ts";
import { checkShape, normalizeAxis, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { nextKey } from "./generator.ts";
import type { RandomKey } from "./key.ts";

export interface RandomOptions {
  /** Without a key the numbers come from the default generator (`setSeed`). */
  readonly key?: RandomKey | undefined;
  readonly dtype?: DType | undefined;
}

/**
 * Where random tensors are computed: on the current backend where it holds every dtype, so that they are the same on
 * any other too, else on the eager one.
 */
function generatingBackend(): Backend {
  const backend = currentBackend();
  return backend.dtypes === undefined ? backend : eagerBackend;
}

/** A random tensor where new tensors go. */
function placed(x: Tensor): Tensor {
  const backend = currentBackend();
  return backend.dtypes === undefined ? x : x.to(backend.name);
}

/** Random bits as int32, of the given count. */
function bits(operation: string, shape: Shape, key: RandomKey | undefined, words = 1): Tensor {
  checkShape(operation, shape);
  const backend = generatingBackend();
  const { k0, k1 } = key ?? nextKey();
  return new Tensor(backend.randomBits(k0, k1, sizeOf(shape) * words), backend);
}

function floatingType(operation: string, options: RandomOptions | undefined): DType {
  const dtype = options?.dtype ?? "float32";
  if (!isFloating(dtype)) throw new DTypeError(`${operation}: needs a floating dtype, but got ${dtype}.`);
  return dtype;
}

/** 24 random bits n in -2^23 … 2^23 - 1, exact in float32. */
function signed24(operation: string, shape: Shape, options: RandomOptions | undefined): Tensor {
  return bits(operation, shape, options?.key).floorDiv(256).cast("float32").reshape(shape);
}

/** Uniform in the open interval (-1, 1), symmetric, float32: (n + 1/2) / 2^23. */
function openSymmetric(operation: string, shape: Shape, options: RandomOptions | undefined): Tensor {
  return signed24(operation, shape, options)
    .add(0.5)
    .mul(2 ** -23);
}

/** Uniform in [0, 1); float32 has 24 random bits, float64 53. */
export function rand(shape: Shape, options?: RandomOptions): Tensor {
  const dtype = floatingType("rand", options);
  if (dtype !== "float64")
    return placed(
      signed24("rand", shape, options)
        .add(2 ** 23)
        .mul(2 ** -24)
        .cast(dtype),
    );
  const pairs = bits("rand", shape, options?.key, 2).reshape([...shape, 2]);
  const high = pairs
    .slice("...", 0)
    .floorDiv(32)
    .cast("float64")
    .add(2 ** 26);
  const low = pairs
    .slice("...", 1)
    .floorDiv(64)
    .cast("float64")
    .add(2 ** 25);
  return placed(
    high
      .mul(2 ** 26)
      .add(low)
      .mul(2 ** -53),
  );
}

/** Standard normal, by the inverse of its distribution function. */
export function randn(shape: Shape, options?: RandomOptions): Tensor {
  const dtype = floatingType("randn", options);
  return placed(openSymmetric("randn", shape, options).erfInv().mul(Math.SQRT2).cast(dtype));
}

/** Uniform in [low, high). */
export function randomUniform(shape: Shape, low = 0, high = 1, options?: RandomOptions): Tensor {
  return rand(shape, options)
    .mul(high - low)
    .add(low);
}

/** Normal with the given mean and standard deviation. */
export function randomNormal(shape: Shape, mean = 0, std = 1, options?: RandomOptions): Tensor {
  return randn(shape, options).mul(std).add(mean);
}

/** erf(2 / sqrt 2): the probability that a normal number lies within two standard deviations. */
const withinTwo = 0.9544997361036416;

/** Normal, cut off at two standard deviations. */
export function truncatedNormal(shape: Shape, mean = 0, std = 1, options?: RandomOptions): Tensor {
  const dtype = floatingType("truncatedNormal", options);
  const standard = openSymmetric("truncatedNormal", shape, options).mul(withinTwo).erfInv().mul(Math.SQRT2);
  return placed(standard.clip(-2, 2).mul(std).add(mean).cast(dtype));
}

/** Whole numbers in [low, high), int32. @throws ShapeError when the range is empty. */
export function randomInt(shape: Shape, low: number, high: number, options?: RandomOptions): Tensor {
  if (!(high > low)) throw new ShapeError(`randomInt: the range from ${low} to ${high} is empty.`);
  const unit = bits("randomInt", shape, options?.key)
    .cast("float64")
    .add(2 ** 31)
    .mul(2 ** -32);
  return placed(
    unit
      .mul(high - low)
      .floor()
      .add(low)
      .cast(options?.dtype ?? "int32")
      .reshape(shape),
  );
}

/** 0 … n - 1 in random order, int32. */
export function permutation(n: number, options?: RandomOptions): Tensor {
  return placed(bits("permutation", [n], options?.key).argsort());
}

/** true with the given probability (a number, or a tensor that broadcasts to `shape`); bool unless `dtype` is given. */
export function bernoulli(probability: Operand, shape?: Shape, options?: RandomOptions): Tensor {
  if (typeof probability === "number" && !(probability >= 0 && probability <= 1))
    throw new ShapeError(`bernoulli: the probability ${probability} must lie between 0 and 1.`);
  const result = shape ?? (typeof probability === "object" ? probability.shape : []);
  const uniform = rand(result, { key: options?.key });
  return (typeof probability === "object" ? uniform.to(probability.device) : uniform)
    .less(probability)
    .cast(options?.dtype ?? "bool");
}

/** An index along `axis` with probability softmax(logits), int32, by the Gumbel-max trick (Maddison et al. 2014). */
export function categorical(logits: Tensor, axis = -1, options?: RandomOptions): Tensor {
  const along = normalizeAxis("categorical", axis, logits.rank);
  const uniform = openSymmetric("categorical", logits.shape, options)
    .add(1)
    .mul(0.5)
    .clip(2 ** -26, 1 - 2 ** -24)
    .to(logits.device);
  return logits.sub(uniform.log().neg().log()).argmax(along);
}
