/**
 * A backend of one's own in one file (docs/own-backend.md): tensors in ordinary typed arrays, elementwise arithmetic and
 * matrix products by plain loops, everything else by way of the host. It goes through the suite that every backend
 * passes, and trains.
 *
 *     npx pullback run examples/own-backend.ts
 */
import { type NoDerivative, valueWithGradient } from "@pullback/autodiff";
import {
  type BinaryOp,
  type DType,
  DTypeError,
  HostedBackend,
  type MemoryStats,
  type NDArray,
  randn,
  randomKey,
  registerBackend,
  type Storage,
  type Tensor,
  type TypedArray,
  useBackend,
} from "@pullback/core";
import { loadAreas, runConformance } from "@pullback/core/conformance";

/** Where the elements are. Nothing is ever disposed of: the garbage collector looks after arrays. */
class Elements implements Storage {
  constructor(readonly data: TypedArray) {}

  get byteLength(): NoDerivative<number> {
    return this.data.byteLength;
  }
}

const arithmetic: Partial<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1);

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

class PlainBackend extends HostedBackend {
  readonly name = "plain";
  readonly dtypes: ReadonlySet<DType> = new Set<DType>(["float32", "int32", "bool"]);

  fromHost(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray {
    if (!this.dtypes.has(dtype)) throw new DTypeError(`tensor: ${this.name} does not hold ${dtype}.`);
    return this.array(data.slice(), dtype, shape);
  }

  /** Views come with strides (0 where they repeat, negative where they run backwards) and an offset. */
  readSync(x: NDArray): TypedArray {
    const { data } = x.storage as Elements;
    const size = sizeOf(x.shape);
    const out =
      x.dtype === "float32"
        ? new Float32Array(size)
        : x.dtype === "int32"
          ? new Int32Array(size)
          : new Uint8Array(size);
    const index = new Array<number>(x.shape.length).fill(0);
    let position = x.offset;
    for (let i = 0; i < size; i++) {
      out[i] = data[position]!;
      for (let axis = index.length - 1; axis >= 0; axis--) {
        position += x.strides[axis]!;
        if (++index[axis]! < x.shape[axis]!) break;
        position -= x.strides[axis]! * x.shape[axis]!;
        index[axis] = 0;
      }
    }
    return out;
  }

  override binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray {
    const f = arithmetic[op];
    // What is not worth writing is done by the class that this one extends.
    if (f === undefined || a.dtype !== "float32" || String(a.shape) !== String(b.shape)) return super.binary(op, a, b);
    const [left, right] = [this.readSync(a), this.readSync(b)];
    return this.array(
      Float32Array.from(left, (value, i) => f(value, right[i]!)),
      "float32",
      a.shape,
    );
  }

  override matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    if (a.dtype !== "float32" || b.dtype !== "float32") return super.matmul(a, b, transposeA, transposeB);
    const rank = a.shape.length;
    const [rows, inner] = transposeA
      ? [a.shape[rank - 1]!, a.shape[rank - 2]!]
      : [a.shape[rank - 2]!, a.shape[rank - 1]!];
    const columns = b.shape[transposeB ? rank - 2 : rank - 1]!;
    const batch = sizeOf(a.shape.slice(0, -2));
    const [left, right] = [this.readSync(a), this.readSync(b)];
    const out = new Float32Array(batch * rows * columns);
    for (let n = 0; n < batch; n++)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < inner; k++)
            sum +=
              left[n * rows * inner + (transposeA ? k * rows + i : i * inner + k)]! *
              right[n * inner * columns + (transposeB ? j * inner + k : k * columns + j)]!;
          out[(n * rows + i) * columns + j] = sum;
        }
    return this.array(out, "float32", [...a.shape.slice(0, -2), rows, columns]);
  }

  memoryStats(): MemoryStats {
    return { live: 0, peakLive: 0, arena: 0, spills: 0 };
  }

  private array(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray {
    return { storage: new Elements(data), dtype, shape, strides: rowMajor(shape), offset: 0 };
  }
}

registerBackend(new PlainBackend());
await useBackend("plain");

const { passed, refused, failures } = await runConformance(await loadAreas());
console.log(`Conformance: ${passed} checks passed, ${refused} refused for their dtype, ${failures.length} failed`);
for (const { id, error } of failures) console.log(`  ${id}: ${error}`);
if (failures.length > 0) process.exitCode = 1;

// The same derivatives, over the new kernels: x W is fitted to a known matrix.
const inputs = randn([32, 4], { key: randomKey(1) });
const wanted = inputs.matmul(randn([4, 3], { key: randomKey(2) }));
let weight = randn([4, 3], { key: randomKey(3) });
const loss = (w: Tensor): Tensor => inputs.matmul(w).sub(wanted).square().mean();
for (let step = 0; step <= 60; step++) {
  const { value, gradient } = valueWithGradient(loss)(weight);
  if (step % 20 === 0) console.log(`step ${step}: loss ${value.item().toFixed(6)} on "${value.device}"`);
  weight = weight.sub(gradient.mul(0.5));
}
