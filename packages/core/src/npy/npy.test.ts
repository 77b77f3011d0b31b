import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import {
  arange,
  CheckpointError,
  DTypeError,
  decodeNpy,
  decodeNpz,
  encodeNpy,
  encodeNpz,
  loadNpy,
  loadNpz,
  saveNpy,
  saveNpz,
  tensor,
  zeros,
} from "../index.ts";

const folder = mkdtempSync(join(tmpdir(), "npy-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file as NumPy's format document describes it, written down by hand. */
function npy(descr: string, shape: string, data: ArrayBufferView, fortran = "False", version = 1): Uint8Array {
  const dictionary = `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const text = `${dictionary.padEnd(117)}\n`;
  const length = version === 1 ? [text.length, 0] : [text.length, 0, 0, 0];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Uint8Array.from([0x93, ...Buffer.from("NUMPY"), version, 0, ...length, ...Buffer.from(text), ...bytes]);
}

test("reads what NumPy writes", () => {
  const six = Float32Array.of(1, 2, 3, 4, 5, 6);
  expect(decodeNpy(npy("'<f4'", "(2, 3)", six)).toArray()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(decodeNpy(npy("'<f4'", "(2, 3)", six, "True")).toArray()).toEqual([
    [1, 3, 5],
    [2, 4, 6],
  ]);
  expect(decodeNpy(npy("'<f8'", "(1,)", Float64Array.of(0.1), "False", 2)).dtype).toBe("float64");
  expect(decodeNpy(npy("'<i8'", "(2,)", BigInt64Array.of(-7n, 9n))).toArray()).toEqual([-7, 9]);
  expect(decodeNpy(npy("'|b1'", "(2,)", Uint8Array.of(0, 1))).toArray()).toEqual([false, true]);
  expect(decodeNpy(npy("'>i2'", "(2,)", Uint8Array.of(1, 0, 255, 254))).toArray()).toEqual([256, -2]);
  expect(
    decodeNpy(npy("'<f2'", "()", Uint16Array.of(0x3e00)))
      .cast("float32")
      .item(),
  ).toBe(1.5);
  expect(decodeNpy(npy("'<f4'", "(0, 4)", new Float32Array(0))).shape).toEqual([0, 4]);
});

test("goes back and forth, layouts and dtypes kept", async () => {
  const x = arange(0, 6, 1).reshape([2, 3]).transpose();
  const bytes = await encodeNpy(x);
  expect((bytes.length - 24) % 64).toBe(0);
  expect(decodeNpy(bytes).toArray()).toEqual(x.toArray());
  for (const dtype of ["float64", "float32", "float16", "int32", "int8", "uint8", "bool"] as const) {
    const y = tensor([0, 1, 5]).cast(dtype);
    const back = decodeNpy(await encodeNpy(y));
    expect([back.dtype, back.toArray()]).toEqual([dtype, y.toArray()]);
  }
  for (const compress of [false, true]) {
    const archive = await encodeNpz(
      new Map([
        ["w", x],
        ["layer/b", zeros([3])],
      ]),
      { compress },
    );
    const read = decodeNpz(archive);
    expect([...read.keys()]).toEqual(["w", "layer/b"]);
    expect(read.get("w")!.toArray()).toEqual(x.toArray());
  }
});

/**
 * By NumPy 1.24: savez_compressed with big = arange(6, dtype=">f4").reshape(2, 3) / 2, fortran = asfortranarray of
 * arange(6.).reshape(2, 3), wide = arange(4000) % 7 in int64, flag = [True, False] and scalar = float32(2.5).
 */
const archive = readFileSync(new URL("../../testdata/npy/compressed.npz", import.meta.url));

test("reads an archive that NumPy compressed, with its orders of bytes and axes", async () => {
  const read = decodeNpz(archive);
  expect([...read.keys()]).toEqual(["big", "fortran", "wide", "flag", "scalar"]);
  expect(read.get("big")!.toArray()).toEqual([[0, 0.5, 1], [1.5, 2, 2.5]]); // biome-ignore format: a matrix
  expect(read.get("fortran")!.toArray()).toEqual([[0, 1, 2], [3, 4, 5]]); // biome-ignore format: a matrix
  expect([...read.get("wide")!.dataSync()]).toEqual(Array.from({ length: 4000 }, (_, i) => i % 7));
  expect(read.get("flag")!.toArray()).toEqual([true, false]);
  expect([read.get("scalar")!.shape, read.get("scalar")!.item()]).toEqual([[], 2.5]);
});

test("an archive cut short anywhere, or with a bit changed, is read rightly or is a CheckpointError", () => {
  const text = (bytes: Uint8Array) => JSON.stringify([...decodeNpz(bytes).values()].map((x) => x.toArray()));
  const whole = text(archive);
  const tried = (bytes: Uint8Array): void => {
    try {
      expect(text(bytes)).toBe(whole);
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as unknown as { code: string }).code).toMatch(/^PB710[124]$/);
    }
  };
  for (let length = 0; length < archive.length; length++) {
    expect(() => decodeNpz(archive.subarray(0, length))).toThrow(CheckpointError);
    const changed = Uint8Array.from(archive);
    changed[length]! ^= 1 << (length % 8);
    tried(changed);
  }
});

test("files", async () => {
  const [one, many] = [join(folder, "x.npy"), join(folder, "x.npz")];
  await saveNpy(one, tensor([1, 2]));
  await saveNpz(many, { a: tensor([1, 2]), b: tensor([true]) });
  expect((await loadNpy(one)).toArray()).toEqual([1, 2]);
  expect((await loadNpz(many)).get("b")!.toArray()).toEqual([true]);
  writeFileSync(one, readFileSync(one).subarray(0, 130));
  await expect(loadNpy(one)).rejects.toMatchObject({ name: "CheckpointError", code: "PB7102", path: one });
  await expect(loadNpy(join(folder, "none.npy"))).rejects.toMatchObject({ code: "PB7103" });
  await expect(loadNpz(one)).rejects.toMatchObject({ code: "PB7101" });
});

test("what is malformed, cut short or of another type is said", async () => {
  const code = (bytes: Uint8Array): string => {
    try {
      decodeNpy(bytes, "w");
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).names).toEqual(["w"]);
      return (error as unknown as { code: string }).code;
    }
    return "none";
  };
  const good = npy("'<f4'", "(2,)", Float32Array.of(1, 2));
  expect(code(new Uint8Array(3))).toBe("PB7101");
  expect(code(Uint8Array.of(1, ...good.slice(1)))).toBe("PB7101");
  expect(code(good.slice(0, 40))).toBe("PB7102");
  expect(code(good.slice(0, good.length - 1))).toBe("PB7102");
  expect(code(npy("'<f4'", "(x,)", new Float32Array(1)))).toBe("PB7101");
  expect(code(npy("'<c8'", "(1,)", new Float32Array(2)))).toBe("PB7104");
  expect(code(npy("[('a', '<f4')]", "(1,)", new Float32Array(1)))).toBe("PB7104");
  expect(code(npy("'<i8'", "(1,)", BigInt64Array.of(2n ** 40n)))).toBe("PB7104");
  await expect(encodeNpy(zeros([2], { dtype: "bfloat16" }))).rejects.toThrow(DTypeError);
});
