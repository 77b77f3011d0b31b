/** Tensors from data, constants and ranges. */
import { type Backend, backendNamed, currentBackend } from "../backend/index.ts";
import { eagerBackend } from "../backends/eager/index.ts";
import type { DType, QuantisedDType, TypedArray } from "../dtype.ts";
import { isQuantised, quantisedRowBytes } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { checkShape, formatShape, sizeOf } from "../shape.ts";
import type { NestedArray } from "./nested.ts";
import { flattenNested, shapeOfNested } from "./nested.ts";
import { Tensor } from "./tensor.ts";

export interface CreationOptions {
  readonly dtype?: DType | undefined;
}

export interface TensorOptions extends CreationOptions {
  readonly shape?: Shape | undefined;
  /** Where to make it, of the backends that are ready; default: the one in use. */
  readonly device?: string | undefined;
}

/** The dtype that a typed array keeps. Told by tag, since arrays of other realms (jest, workers) fail instanceof. */
function dtypeOfTypedArray(data: ArrayBufferView, dtype: DType | undefined): DType {
  const tag = (data as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag];
  switch (tag) {
    case "Float32Array":
      return "float32";
    case "Float64Array":
      return "float64";
    case "Int32Array":
      return "int32";
    case "Int8Array":
      return "int8";
    case "Uint8Array":
    case "Uint8ClampedArray":
      return "uint8";
    case "Uint16Array":
      if (dtype === "float16" || dtype === "bfloat16") return dtype;
      throw new DTypeError('tensor: a Uint16Array holds bit patterns; say dtype "float16" or "bfloat16".');
    default:
      throw new DTypeError(
        `tensor: a ${tag} has no dtype here; use a Float32Array, Float64Array, Int32Array or Uint8Array.`,
      );
  }
}

/** Host memory of the given kind. float16 and bfloat16 go through float32. */
function hostArray(values: readonly (number | boolean)[], dtype: DType): TypedArray {
  switch (dtype) {
    case "float64":
      return Float64Array.from(values as number[]);
    case "int32":
      return Int32Array.from(values as number[]);
    case "int8":
      return Int8Array.from(values as number[]);
    case "uint8":
      return Uint8Array.from(values as number[]);
    case "bool":
      return Uint8Array.from(values, (value) => (value === false || value === 0 ? 0 : 1));
    default:
      return Float32Array.from(values as number[]);
  }
}

/** Quantised rows as they lie in a file. */
function quantisedTensor(
  backend: Backend,
  data: ArrayBufferView,
  dtype: QuantisedDType,
  shape: Shape | undefined,
): Tensor {
  if (shape === undefined || shape.length < 1)
    throw new ShapeError(`tensor: say the shape that the ${data.byteLength} bytes of ${dtype} have.`);
  checkShape("tensor", shape);
  const columns = shape[shape.length - 1]!;
  const bytes = columns === 0 ? 0 : (sizeOf(shape) / columns) * quantisedRowBytes(dtype, columns);
  if (data.byteLength !== bytes)
    throw new ShapeError(
      `tensor: the shape ${formatShape(shape)} takes ${bytes} bytes as ${dtype}, but there are ${data.byteLength}.`,
    );
  const host = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Tensor(backend.fromHost(host, dtype, shape.slice()), backend);
}

/**
 * A tensor with the given elements. Numbers give float32, booleans bool, typed arrays keep their type; `dtype` and
 * `shape` override. Bytes with a quantised `dtype` are its blocks as a file holds them. The data is copied.
 * @throws ShapeError when the nesting is ragged or `shape` holds another number of elements.
 */
export function tensor(data: NestedArray | TypedArray | Uint8ClampedArray, options?: TensorOptions): Tensor {
  const device = options?.device;
  return tensorOn(device === undefined ? currentBackend() : backendNamed(device), data, options);
}

/** @internal As `tensor`, on a given backend: constants that meet a tensor are made where it is. */
export function tensorOn(
  backend: Backend,
  data: NestedArray | TypedArray | Uint8ClampedArray,
  options?: TensorOptions,
): Tensor {
  const wanted = options?.dtype;
  if (ArrayBuffer.isView(data)) {
    if (wanted !== undefined && isQuantised(wanted) && (data as TypedArray).BYTES_PER_ELEMENT === 1)
      return quantisedTensor(backend, data, wanted, options?.shape);
    const view = data as unknown as TypedArray;
    const kept = dtypeOfTypedArray(view, wanted);
    const shape = checkedShape(options?.shape ?? [view.length], view.length);
    // A byte array read as bool holds 0 and 1 only after the cast.
    const maker = backend.dtypes?.has(kept) === false && wanted !== undefined ? eagerBackend : backend;
    const made = new Tensor(maker.fromHost(view, kept, shape), maker);
    const cast = wanted === undefined ? made : made.cast(wanted);
    return maker === backend ? cast : cast.to(backend.name);
  }
  const nested = shapeOfNested(data);
  const flat = flattenNested(data, nested);
  const dtype = wanted ?? (flat.length > 0 && flat.every((value) => typeof value === "boolean") ? "bool" : "float32");
  const shape = checkedShape(options?.shape ?? nested, flat.length);
  const widened = dtype === "float16" || dtype === "bfloat16" || isQuantised(dtype);
  const made = new Tensor(backend.fromHost(hostArray(flat, dtype), widened ? "float32" : dtype, shape), backend);
  return made.cast(dtype);
}

function checkedShape(shape: Shape, size: number): Shape {
  checkShape("tensor", shape);
  if (sizeOf(shape) !== size)
    throw new ShapeError(`tensor: ${size} elements do not fill the shape ${formatShape(shape)}.`);
  return shape.slice();
}

/** A tensor with one value everywhere; float32 unless `dtype` says otherwise. @throws ShapeError */
export function full(shape: Shape, value: number, options?: CreationOptions): Tensor {
  checkShape("full", shape);
  const backend = currentBackend();
  return new Tensor(backend.full(shape.slice(), value, options?.dtype ?? "float32"), backend);
}

/** Zeros; float32 unless `dtype` says otherwise. @throws ShapeError */
export function zeros(shape: Shape, options?: CreationOptions): Tensor {
  return full(shape, 0, options);
}

/** Ones; float32 unless `dtype` says otherwise. @throws ShapeError */
export function ones(shape: Shape, options?: CreationOptions): Tensor {
  return full(shape, 1, options);
}

/** One value in the shape, dtype and device of x, as a view of a single element: it costs no memory. */
export function constantLike(x: Tensor, value: number): Tensor {
  return new Tensor(x.backend.full([], value, x.dtype), x.backend).broadcastTo(x.shape);
}

/** Zeros in the shape, dtype and device of x. */
export function zerosLike(x: Tensor): Tensor {
  return constantLike(x, 0);
}

/** Ones in the shape, dtype and device of x. */
export function onesLike(x: Tensor): Tensor {
  return constantLike(x, 1);
}

/** start, start + step, … before `stop` (excluded); float32 unless `dtype` says otherwise. @throws ShapeError when step is 0. */
export function arange(start: number, stop: number, step = 1, options?: CreationOptions): Tensor {
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isFinite(count))
    throw new ShapeError(`arange: from ${start} to ${stop} by ${step} is not a finite number of steps.`);
  const backend = currentBackend();
  return new Tensor(backend.arange(start, step, count, options?.dtype ?? "float32"), backend);
}

/** `count` evenly spaced numbers from start to stop, both included; float32 unless `dtype` says otherwise. @throws ShapeError */
export function linspace(start: number, stop: number, count: number, options?: CreationOptions): Tensor {
  checkShape("linspace", [count]);
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  // Computed in double precision, the last one exact.
  const values = Float64Array.from({ length: count }, (_, i) => (i === count - 1 && i > 0 ? stop : start + step * i));
  return tensor(values, { dtype: options?.dtype ?? "float32" });
}

/** The identity matrix [rows, columns]; float32 unless `dtype` says otherwise. @throws ShapeError */
export function eye(rows: number, columns = rows, options?: CreationOptions): Tensor {
  checkShape("eye", [rows, columns]);
  const diagonal = arange(0, rows, 1, { dtype: "int32" })
    .expandDims(1)
    .equal(arange(0, columns, 1, { dtype: "int32" }));
  return diagonal.cast(options?.dtype ?? "float32");
}

/** Coordinate grids of vectors in "ij" order: result i has the shape of all lengths and varies along axis i. @differentiable */
export function meshgrid(...xs: Tensor[]): Tensor[] {
  const shape = xs.map((x) => x.size);
  return xs.map((x, i) => {
    if (x.rank > 1)
      throw new ShapeError(`meshgrid: needs vectors, but operand ${i} has shape ${formatShape(x.shape)}.`);
    return x.reshape(shape.map((extent, axis) => (axis === i ? extent : 1))).broadcastTo(shape);
  });
}
