/** Reading, adding and writing at positions, all by flat positions in the memory of a storage. */
import type { NDArray } from "../../backend/backend.ts";
import { IndexError } from "../../errors.ts";
import { rowMajor, sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import { positionsOf, type Views } from "./views.ts";
import type { Vocabulary } from "./vocabulary.ts";

export class Indexing {
  private readonly w: Vocabulary;
  private readonly views: Views;
  /** Whether indices can be read at little cost, and so be checked. */
  private readonly checks: boolean;

  constructor(w: Vocabulary, views: Views, checks: boolean) {
    this.w = w;
    this.views = views;
    this.checks = checks;
  }

  /** Indices as positions from 0 on, in row-major order. @throws IndexError where the engine's data is near */
  resolved(operation: string, indices: NDArray, size: number): Info {
    const dense = this.views.dense(indices);
    if (!this.checks) return this.wrapped(dense, size);
    const host = this.w.kernels.engine.readSync(dense.dataId) as Int32Array;
    let negative = false;
    for (const index of host) {
      if (index >= size || index < -size)
        throw new IndexError(`${operation}: index ${index} is out of range for an axis of extent ${size}.`);
      negative ||= index < 0;
    }
    return negative ? this.wrapped(dense, size) : dense;
  }

  gather(x: NDArray, indices: NDArray, axis: number): Info {
    const rows = this.resolved("gather", indices, x.shape[axis]);
    const count = sizeOf(indices.shape);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    if (sizeOf(shape) === 0) return this.w.fill(shape, 0, x.dtype as Info["dtype"]);
    const flat = reshaped(rows, [count]);
    const source = this.views.dense(x);
    return reshaped(
      this.w.kernels.run("GatherV2", { x: this.numbers(source), indices: flat }, { axis, batchDims: 0 }),
      shape,
    );
  }

  /** Zeros with extent `size` on `axis`, plus `source` added at the indices. */
  gatherAdjoint(source: NDArray, indices: NDArray, axis: number, size: number): Info {
    const rows = this.resolved("gather", indices, size);
    const count = sizeOf(indices.shape);
    const outer = source.shape.slice(0, axis);
    const inner = source.shape.slice(axis + indices.shape.length);
    const [before, after] = [sizeOf(outer), sizeOf(inner)];
    const shape = [...outer, size, ...inner];
    if (sizeOf(source.shape) === 0) return this.w.fill(shape, 0, source.dtype as Info["dtype"]);
    const updates = this.w.transpose(reshaped(this.views.dense(source), [before, count, after]), [1, 0, 2]);
    const sums = this.w.kernels.run(
      "ScatterNd",
      { indices: reshaped(rows, [count, 1]), updates: reshaped(updates, [count, before * after]) },
      { shape: [size, before * after] },
    );
    return reshaped(this.w.transpose(reshaped(sums, [size, before, after]), [1, 0, 2]), shape);
  }

  /** The elements of x, whose strides are taken as they are, at positions along an axis. */
  takeAlongAxis(x: NDArray, indices: NDArray, axis: number): Info {
    const along = this.resolved("takeAlongAxis", indices, x.shape[axis]);
    if (sizeOf(indices.shape) === 0) return this.w.fill(indices.shape, 0, x.dtype as Info["dtype"]);
    const positions = this.flatPositions(along, indices.shape, x.strides, x.offset, axis);
    const source = this.numbers(this.views.flat(x));
    const taken = this.w.kernels.run("GatherV2", { x: source, indices: positions }, { axis: 0, batchDims: 0 });
    return reshaped(taken, indices.shape);
  }

  scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): Info {
    const base = this.views.dense(x);
    const along = this.resolved("scatterAdd", indices, x.shape[axis]);
    const count = sizeOf(indices.shape);
    if (count === 0) return base;
    const positions = this.flatPositions(along, indices.shape, rowMajor(x.shape), 0, axis);
    const total = sizeOf(x.shape);
    const sums = this.w.kernels.run(
      "ScatterNd",
      { indices: reshaped(positions, [count, 1]), updates: reshaped(this.views.dense(source), [count]) },
      { shape: [total] },
    );
    return this.w.add(base, reshaped(sums, x.shape));
  }

  sliceUpdate(x: NDArray, starts: readonly number[], steps: readonly number[], value: NDArray): Info {
    const base = this.views.dense(x);
    const count = sizeOf(value.shape);
    if (count === 0) return base;
    const written = this.views.dense(value);
    const whole = rowMajor(x.shape);
    const partial = x.shape.map((_, axis) => axis).filter((axis) => value.shape[axis] !== x.shape[axis]);
    if (partial.length === 0 && steps.every((step) => step === 1)) return written;
    // One range of one axis: what stands before it, the value, what comes after.
    if (partial.length === 1 && steps.every((step) => step === 1)) {
      const [axis] = partial;
      const end = starts[axis] + value.shape[axis];
      const part = (from: number, to: number): Info[] =>
        from === to
          ? []
          : [
              this.w.slice(
                base,
                x.shape.map((_, i) => (i === axis ? from : 0)),
                x.shape.map((extent, i) => (i === axis ? to - from : extent)),
              ),
            ];
      return this.w.concat([...part(0, starts[axis]), written, ...part(end, x.shape[axis])], axis);
    }
    let offset = 0;
    for (let axis = 0; axis < whole.length; axis++) offset += starts[axis] * whole[axis];
    const positions = positionsOf(
      value.shape,
      whole.map((stride, axis) => stride * steps[axis]),
      offset,
    );
    const indices = this.w.kernels.write(positions, [count, 1], "int32");
    const updated = this.w.kernels.run("TensorScatterUpdate", {
      // A copy: the cpu engine writes into its operand.
      tensor: reshaped(this.w.mul(this.numbers(base), 1), [sizeOf(x.shape)]),
      indices,
      updates: reshaped(this.numbers(written), [count]),
    });
    return reshaped(updated, x.shape);
  }

  /** The flat position of each element of a shape, moved by an index along one axis. */
  private flatPositions(
    along: Info,
    shape: readonly number[],
    strides: readonly number[],
    offset: number,
    axis: number,
  ): Info {
    const beside = strides.map((stride, i) => (i === axis ? 0 : stride));
    const count = sizeOf(shape);
    const base = this.w.kernels.write(positionsOf(shape, beside, offset), [count], "int32");
    return this.w.add(base, this.w.mul(reshaped(along, [count]), strides[axis]));
  }

  private wrapped(indices: Info, size: number): Info {
    const negative = this.w.cast(this.w.less(indices, 0), "int32");
    return this.w.add(indices, this.w.mul(negative, size));
  }

  /** Engines gather and scatter numbers only; bool is bytes 0 and 1 to its caller, who casts back. */
  private numbers(x: Info): Info {
    return x.dtype === "bool" ? this.w.cast(x, "int32") : x;
  }
}
