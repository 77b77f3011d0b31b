/** Stored weights against the formats' definitions, read byte by byte, and against products in float64. */
import { describe, expect, test } from "@jest/globals";
import { type QuantisedDType, quantisedBlocks, quantisedRowBytes } from "../../../dtype.ts";
import { DTypeError, ShapeError, type Tensor, tensor } from "../../../index.ts";
import { EagerBackend } from "../eager-backend.ts";
import { fromBfloat16, fromFloat16 } from "../plain/half.ts";
import { noise } from "../test-arrays.ts";

const backend = new EagerBackend();
const quantised = Object.keys(quantisedBlocks) as QuantisedDType[];

/** Element `i` of a row of bytes, transcribed from the definition of each block. */
function element(dtype: QuantisedDType, row: DataView, i: number): number {
  const { elements, bytes, head } = quantisedBlocks[dtype];
  const at = head + Math.floor(i / elements) * bytes;
  const j = i % elements;
  const half = (offset: number) => fromFloat16(row.getUint16(at + offset, true));
  const nibble = (offset: number) => (row.getUint8(at + offset + (j % 16)) >> (j < 16 ? 0 : 4)) & 15;
  switch (dtype) {
    case "q8_0":
      return half(0) * row.getInt8(at + 2 + j);
    case "q4_0":
      return half(0) * (nibble(2) - 8);
    case "int8c":
      return row.getFloat32(0, true) * row.getInt8(at);
    case "int4c":
      return row.getFloat32(0, true) * (nibble(0) - 8);
    case "q4_k": {
      const group = Math.floor(j / 32);
      const s = (k: number) => row.getUint8(at + 4 + k);
      const scale = group < 4 ? s(group) & 63 : (s(group + 4) & 15) | ((s(group - 4) >> 6) << 4);
      const least = group < 4 ? s(group + 4) & 63 : (s(group + 4) >> 4) | ((s(group) >> 6) << 4);
      const byte = row.getUint8(at + 16 + Math.floor(j / 64) * 32 + (j % 32));
      return half(0) * scale * (group % 2 === 0 ? byte & 15 : byte >> 4) - half(2) * least;
    }
    case "q6_k": {
      const [n, rest] = [Math.floor(j / 128), j % 128];
      const [quarter, l] = [Math.floor(rest / 32), rest % 32];
      const low = (row.getUint8(at + n * 64 + (quarter % 2) * 32 + l) >> (quarter < 2 ? 0 : 4)) & 15;
      const high = (row.getUint8(at + 128 + n * 32 + l) >> (quarter * 2)) & 3;
      return half(208) * row.getInt8(at + 192 + Math.floor(j / 16)) * ((low | (high << 4)) - 32);
    }
  }
}

/** Random bytes, with scales that are small finite numbers. */
function randomRows(dtype: QuantisedDType, rows: number, columns: number, random: () => number) {
  const rowBytes = quantisedRowBytes(dtype, columns);
  const data = Uint8Array.from({ length: rows * rowBytes }, () => Math.floor(random() * 256));
  const view = new DataView(data.buffer);
  const { elements, bytes, head } = quantisedBlocks[dtype];
  for (let row = 0; row < rows; row++) {
    if (head > 0) view.setFloat32(row * rowBytes, random() - 0.5, true);
    for (let i = 0; head === 0 && i < columns / elements; i++) {
      const at = row * rowBytes + i * bytes + (dtype === "q6_k" ? 208 : 0);
      // Subnormal, negative and ordinary float16 scales.
      view.setUint16(at, Math.floor(random() * 0x2000) | (random() < 0.5 ? 0x8000 : 0), true);
      if (dtype === "q4_k") view.setUint16(at + 2, Math.floor(random() * 0x2000), true);
    }
  }
  const values = Array.from({ length: rows * columns }, (_, i) => {
    const row = new DataView(data.buffer, Math.floor(i / columns) * rowBytes, rowBytes);
    return element(dtype, row, i % columns);
  });
  return { data, values };
}

function expectClose(got: ArrayLike<number>, expected: readonly number[], bounds: readonly number[] | number): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) {
    const bound = typeof bounds === "number" ? bounds * Math.abs(expected[i]) : bounds[i];
    if (!(Math.abs(got[i] - expected[i]) <= bound)) expect([i, got[i]]).toEqual([i, expected[i]]);
  }
}

describe.each(quantised)("%s", (dtype) => {
  const [rows, columns] = [67, 256];
  const { data, values } = randomRows(dtype, rows, columns, noise(3));
  const w = backend.fromHost(data, dtype, [rows, columns]);

  test("decodes as its definition says", () => {
    expectClose(backend.readSync(backend.cast(w, "float32")), values, dtype === "q4_k" ? 4e-6 : 2e-7);
    expect(backend.readSync(w)).toEqual(data);
  });

  test.each([1, 3, 70])("products with %i rows on the left, both ways round", (m) => {
    const random = noise(m);
    const product = (depth: number, n: number, at: (k: number, j: number) => number, transposeB: boolean) => {
      const x = Float32Array.from({ length: m * depth }, () => random() - 0.5);
      const expected: number[] = [];
      const bounds: number[] = [];
      const rounds = transposeB && m <= 4 && (dtype === "q8_0" || dtype === "q4_0");
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let [sum, size] = [0, 0];
          for (let k = 0; k < depth; k++) {
            sum += x[i * depth + k] * at(k, j);
            size += Math.abs(x[i * depth + k] * at(k, j));
          }
          expected.push(sum);
          // Products in integers round the vector to 16 bits, block by block.
          let rounding = 0;
          for (let k = 0; rounds && k < depth; k += 32) {
            const block = x.subarray(i * depth + k, i * depth + k + 32);
            const most = block.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
            for (let e = 0; e < 32; e++) rounding += (Math.abs(at(k + e, j)) * most) / 65534;
          }
          bounds.push(size * 2e-6 + rounding);
        }
      }
      const out = backend.matmul(backend.fromHost(x, "float32", [m, depth]), w, false, transposeB);
      expect(out.shape).toEqual([m, n]);
      expectClose(backend.readSync(out), expected, bounds);
    };
    product(columns, rows, (k, j) => values[j * columns + k], true);
    product(rows, columns, (k, j) => values[k * columns + j], false);
  });

  test("rows are looked up", () => {
    const at = backend.fromHost(Int32Array.of(3, -1, 0, 65), "int32", [2, 2]);
    const found = backend.gather(w, at, 0);
    expect([found.dtype, found.shape]).toEqual(["float32", [2, 2, columns]]);
    const expected = [3, 66, 0, 65].flatMap((row) => values.slice(row * columns, (row + 1) * columns));
    expectClose(backend.readSync(found), expected, dtype === "q4_k" ? 4e-6 : 2e-7);
  });

  test("quantising keeps values within a step", () => {
    const random = noise(11);
    const x = Float32Array.from({ length: 4 * 256 }, () => (random() - 0.5) * 2);
    const back = backend.readSync(
      backend.cast(backend.cast(backend.fromHost(x, "float32", [4, 256]), dtype), "float32"),
    );
    const step = { q8_0: 2 / 254, int8c: 2 / 254, q4_0: 2 / 15, int4c: 2 / 15, q4_k: 2 / 15, q6_k: 2 / 60 }[dtype];
    const worst = x.reduce((most, value, i) => Math.max(most, Math.abs(value - back[i])), 0);
    expect(worst).toBeLessThan(step);
    expect(backend.readSync(backend.cast(backend.full([1, 256], 0, "float32"), dtype)).length).toBeGreaterThan(0);
  });
});

describe.each(["bfloat16", "float16"] as const)("%s weights", (dtype) => {
  const decode = dtype === "bfloat16" ? fromBfloat16 : fromFloat16;

  test("every pattern decodes exactly", () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const got = backend.readSync(backend.cast(backend.fromHost(patterns, dtype, [65536]), "float32"));
    const wrong = [...patterns].filter((pattern) => !Object.is(got[pattern], decode(pattern)));
    expect(wrong).toEqual([]);
  });

  test.each([
    [1, 64, 33],
    [2, 40, 7],
    [9, 128, 70],
    [66, 31, 5],
  ])("%i × %i × %i in any layout", (m, k, n) => {
    const random = noise(m);
    const host = (rows: number, columns: number) =>
      backend.cast(
        backend.fromHost(
          Float32Array.from({ length: rows * columns }, () => random() - 0.5),
          "float32",
          [rows, columns],
        ),
        dtype,
      );
    for (const [transposeB, view] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const a = backend.fromHost(
        Float32Array.from({ length: m * k }, () => random() - 0.5),
        "float32",
        [m, k],
      );
      const stored = transposeB === view ? host(k, n) : host(n, k);
      const b = view
        ? { ...stored, shape: [...stored.shape].reverse(), strides: [...stored.strides].reverse() }
        : stored;
      const got = backend.readSync(backend.matmul(a, b, false, transposeB as boolean));
      const wide = backend.readSync(backend.matmul(a, backend.cast(b, "float32"), false, transposeB as boolean));
      expectClose(got, [...wide], wide.map(() => 1e-5) as unknown as number[]);
      const both = backend.matmul(backend.cast(a, dtype), b, false, transposeB as boolean);
      expect(both.dtype).toBe(dtype);
    }
  });
});

test("a quantised weight: a float32 activation times it, its derivative's product, and what is refused", () => {
  const random = noise(1);
  const w = tensor(
    Float32Array.from({ length: 64 * 32 }, () => random() - 0.5),
    { shape: [64, 32] },
  );
  const q = w.cast("q8_0");
  const x = tensor(
    Float32Array.from({ length: 2 * 3 * 32 }, () => random()),
    { shape: [2, 3, 32] },
  );
  const close = (a: Tensor, b: Tensor) => expect(a.sub(b).abs().max().item()).toBeLessThan(1e-5);
  close(x.matmul(q, { transposeB: true }), x.matmul(q.cast("float32"), { transposeB: true }));
  close(x.matmul(q.transpose()), x.matmul(q.cast("float32").transpose()));
  const same = tensor(q.dataSync(), { dtype: "q8_0", shape: [64, 32] });
  expect(same.cast("float32").sub(q.cast("float32")).abs().max().item()).toBe(0);
  expect(() => q.add(1)).toThrow(DTypeError);
  expect(() => q.exp()).toThrow(DTypeError);
  expect(() => q.sum()).toThrow(DTypeError);
  expect(() => q.matmul(w, { transposeB: true })).toThrow(DTypeError);
  expect(() => tensor([1, 2, 3]).cast("q8_0")).toThrow(DTypeError);
  expect(() => tensor(new Uint8Array(33), { dtype: "q8_0", shape: [32] })).toThrow(ShapeError);
});

describe.each(["q8_0", "q4_0"] as const)("integer products of %s", (dtype) => {
  const [rows, columns] = [21, 160];
  const x = Float32Array.from({ length: columns }, (_, i) => Math.sin(i * i) + 0.5);
  const half = (weights: Uint8Array, row: number, blockAt: number, bits: number) =>
    new DataView(weights.buffer).setUint16((row * (columns / 32) + blockAt) * (dtype === "q8_0" ? 34 : 18), bits, true);
  const product = (weights: Uint8Array, by = 1) => {
    const w = backend.fromHost(weights, dtype, [rows, columns]);
    return backend.readSync(
      backend.matmul(
        backend.fromHost(
          x.map((v) => v * by),
          "float32",
          [1, columns],
        ),
        w,
        false,
        true,
      ),
    );
  };

  test("a scale that is infinite or NaN reaches its row, and no other", () => {
    const { data } = randomRows(dtype, rows, columns, noise(4));
    const whole = product(data);
    const broken = data.slice();
    half(broken, 2, 1, 0x7c00);
    half(broken, 9, 4, 0xfc00);
    half(broken, 20, 0, 0x7e00);
    const got = product(broken);
    expect([...got].flatMap((value, row) => (Number.isFinite(value) ? [] : [row]))).toEqual([2, 9, 20]);
    for (let row = 0; row < rows; row++) if (![2, 9, 20].includes(row)) expect(got[row]).toBe(whole[row]);
  });

  test("vectors and scales of any size keep their digits", () => {
    const { data } = randomRows(dtype, rows, columns, noise(5));
    const whole = product(data);
    for (const by of [2 ** -90, 2 ** 90]) expect([...product(data, by)].map((value) => value / by)).toEqual([...whole]);
    expect([...product(data, 0)]).toEqual(new Array(rows).fill(0));
    expect([...product(data, NaN)].every(Number.isNaN)).toBe(true);
    // The smallest scales, which float16 holds as subnormal numbers.
    for (let row = 0; row < rows; row++) for (let at = 0; at < columns / 32; at++) half(data, row, at, 0x0001);
    const smallest = product(data);
    for (let row = 0; row < rows; row++) for (let at = 0; at < columns / 32; at++) half(data, row, at, 0x3c00);
    for (const [row, value] of product(data).entries()) expect(smallest[row]! * 2 ** 24).toBeCloseTo(value, 2);
  });
});
