/** Reading and writing safetensors: files of other tools, every damage that can be told, atomic replacement. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type DType, type Tensor, tensor } from "../index.ts";
import { CheckpointError, loadSafetensors, openSafetensors, saveSafetensors, writeAtomically } from "./index.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file with this header (an object, or text as it is) and this data section. */
async function fileOf(header: unknown, data: Uint8Array = new Uint8Array(), claimed?: bigint): Promise<string> {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(json.byteLength), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.byteLength);
  const path = join(folder, `damaged-${Math.random()}.safetensors`);
  await writeFile(path, bytes);
  return path;
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error) => {
      expect(error).toBeInstanceOf(CheckpointError);
      return error.code;
    },
  );

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

describe("reading", () => {
  test("a file laid out by hand, every readable type", async () => {
    const data = new Uint8Array(64);
    const view = new DataView(data.buffer);
    view.setFloat64(0, Math.PI, true);
    view.setBigInt64(8, -5n, true);
    view.setFloat32(16, 1.5, true);
    view.setFloat32(20, -2.25, true);
    view.setInt32(24, -7, true);
    view.setUint16(28, 0x3e00, true); // float16 1.5
    view.setUint16(30, 0xc010, true); // bfloat16 -2.25
    data.set([0x80, 0xff, 1, 0], 32);
    const header = {
      __metadata__: { format: "pt" },
      double: { dtype: "F64", shape: [], data_offsets: [0, 8] },
      long: { dtype: "I64", shape: [1], data_offsets: [8, 16] },
      single: f32([2, 1], 16, 24),
      int: { dtype: "I32", shape: [1], data_offsets: [24, 28] },
      half: { dtype: "F16", shape: [1], data_offsets: [28, 30] },
      brain: { dtype: "BF16", shape: [1], data_offsets: [30, 32] },
      small: { dtype: "I8", shape: [1], data_offsets: [32, 33] },
      byte: { dtype: "U8", shape: [1], data_offsets: [33, 34] },
      flags: { dtype: "BOOL", shape: [2], data_offsets: [34, 36] },
      empty: f32([0, 3], 36, 36),
      eighth: { dtype: "F8_E4M3", shape: [28], data_offsets: [36, 64] },
    };
    const file = await openSafetensors(await fileOf(header, data));
    expect(file.metadata).toEqual({ format: "pt" });
    expect(file.names()).toEqual(Object.keys(header).slice(1));
    expect(file.info("single")).toEqual({ dtype: "float32", shape: [2, 1], bytes: 8 });
    const read = async (name: string): Promise<[DType, readonly number[], unknown]> => {
      const x = await file.read(name);
      return [x.dtype, x.shape, x.cast("float64").toArray()];
    };
    expect(await read("double")).toEqual(["float64", [], Math.PI]);
    expect(await read("long")).toEqual(["int32", [1], [-5]]);
    expect(await read("single")).toEqual(["float32", [2, 1], [[1.5], [-2.25]]]);
    expect(await read("int")).toEqual(["int32", [1], [-7]]);
    expect(await read("half")).toEqual(["float16", [1], [1.5]]);
    expect(await read("brain")).toEqual(["bfloat16", [1], [-2.25]]);
    expect(await read("small")).toEqual(["int8", [1], [-128]]);
    expect(await read("byte")).toEqual(["uint8", [1], [255]]);
    expect(await read("flags")).toEqual(["bool", [2], [1, 0]]);
    expect((await file.read("empty")).shape).toEqual([0, 3]);
    expect((await file.read("brain", { dtype: "float32" })).dtype).toBe("float32");
    expect(await codeOf(file.read("eighth"))).toBe("PB7104");
    expect(await codeOf(file.read("absent"))).toBe("PB7105");
    await file.close();
  });

  test("an I64 beyond int32 is refused, not wrapped", async () => {
    const data = new Uint8Array(new BigInt64Array([2n ** 31n]).buffer);
    const path = await fileOf({ x: { dtype: "I64", shape: [1], data_offsets: [0, 8] } }, data);
    expect(await codeOf(loadSafetensors(path))).toBe("PB7104");
  });
});

describe("damage", () => {
  const eight = new Uint8Array(8);
  const cases: [name: string, code: string, path: () => Promise<string>][] = [
    ["no such file", "PB7103", async () => join(folder, "nowhere.safetensors")],
    ["an empty folder", "PB7103", async () => await mkdtemp(join(folder, "empty-"))],
    [
      "too short for a length",
      "PB7102",
      async () => {
        const path = await fileOf("");
        await truncate(path, 5);
        return path;
      },
    ],
    ["a header longer than the file", "PB7102", () => fileOf("{}", eight, 1000n)],
    ["a length of nonsense", "PB7101", () => fileOf("{}", eight, 0x7fffffffffffffffn)],
    ["not JSON", "PB7101", () => fileOf("{ x: ")],
    [
      "not UTF-8",
      "PB7101",
      async () => {
        const path = await fileOf('{"x":1}');
        const bytes = await readFile(path);
        bytes[10] = 0xff;
        await writeFile(path, bytes);
        return path;
      },
    ],
    ["a list", "PB7101", () => fileOf([])],
    ["null", "PB7101", () => fileOf("null")],
    ["an entry that is null", "PB7101", () => fileOf({ x: null })],
    ["metadata that is not text", "PB7101", () => fileOf({ __metadata__: { a: 1 } })],
    ["an unknown dtype", "PB7101", () => fileOf({ x: { dtype: "F31", shape: [2], data_offsets: [0, 8] } }, eight)],
    ["a negative extent", "PB7101", () => fileOf({ x: f32([-2], 0, 8) }, eight)],
    ["a fractional extent", "PB7101", () => fileOf({ x: f32([0.5, 4], 0, 8) }, eight)],
    ["no offsets", "PB7101", () => fileOf({ x: { dtype: "F32", shape: [2] } }, eight)],
    ["offsets the wrong way round", "PB7101", () => fileOf({ x: f32([2], 8, 0) }, eight)],
    ["a range that does not fit the shape", "PB7101", () => fileOf({ x: f32([3], 0, 8) }, eight)],
    ["overlapping tensors", "PB7101", () => fileOf({ x: f32([1], 0, 4), y: f32([1], 2, 6) }, eight)],
    ["the same bytes twice", "PB7101", () => fileOf({ x: f32([2], 0, 8), y: f32([2], 0, 8) }, eight)],
    ["a gap", "PB7101", () => fileOf({ x: f32([1], 4, 8) }, eight)],
    ["data cut short", "PB7102", () => fileOf({ x: f32([4], 0, 16) }, eight)],
    ["bytes too many", "PB7102", () => fileOf({ x: f32([1], 0, 4) }, eight)],
  ];
  test.each(cases)("%s is %s", async (_, code, path) => {
    expect(await codeOf(openSafetensors(await path()))).toBe(code);
  });

  test("a file cut short after it was opened", async () => {
    const path = await fileOf({ x: f32([2], 0, 8) }, eight);
    const file = await openSafetensors(path);
    await truncate(path, 20);
    expect(await codeOf(file.read("x"))).toBe("PB7102");
    await file.close();
  });

  test("errors name the file and the tensors", async () => {
    const path = await fileOf({ x: f32([1], 0, 4), cut: f32([4], 4, 20) }, eight);
    const error: CheckpointError = await openSafetensors(path).catch((e) => e);
    expect([error.path, error.names]).toEqual([path, ["cut"]]);
  });

  test("random bytes never do worse than a CheckpointError", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (noise) => {
        const path = await fileOf(`{"x":${JSON.stringify(f32([2], 0, 8))}}`, noise);
        const code = await codeOf(loadSafetensors(path));
        expect(code).toBe(noise.length === 8 ? "no error" : "PB7102");
      }),
      { numRuns: 30 },
    );
  });
});

describe("writing", () => {
  const some = (): Map<string, Tensor> =>
    new Map([
      ["flags", tensor([true, false, true])],
      ["weight", tensor([[1, 2], [3, 4.5]])], // biome-ignore format: a matrix
      ["half", tensor([1.5, -0.25]).cast("bfloat16")],
      ["scalar", tensor(Math.E, { dtype: "float64" })],
      ["ids", tensor([-1, 7], { dtype: "int32" })],
      ["none", tensor(new Float32Array(0), { shape: [0, 4] })],
    ]);
  const contents = (tensors: ReadonlyMap<string, Tensor>) =>
    Object.fromEntries([...tensors].map(([name, x]) => [name, { dtype: x.dtype, shape: x.shape, data: x.dataSync() }]));

  test("what is written reads back, aligned, with its metadata", async () => {
    const path = join(folder, "round.safetensors");
    expect(await saveSafetensors(path, some(), { metadata: { format: "pt", step: "3" } })).toBe(path);
    const { tensors, metadata } = await loadSafetensors(path);
    expect(metadata).toEqual({ format: "pt", step: "3" });
    expect(contents(tensors)).toEqual(contents(some()));
    const bytes = await readFile(path);
    expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
  });

  test("views are written as what they show", async () => {
    const path = join(folder, "views.safetensors");
    const x = tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix
    await saveSafetensors(path, { transposed: x.transpose(), part: x.slice(undefined, [1, 3]) });
    const { tensors } = await loadSafetensors(path);
    expect(tensors.get("transposed")!.toArray()).toEqual([[1, 4], [2, 5], [3, 6]]); // biome-ignore format: a matrix
    expect(tensors.get("part")!.toArray()).toEqual([[2, 3], [5, 6]]); // biome-ignore format: a matrix
  });

  test("shards, their index, and a folder in Hub layout", async () => {
    const home = await mkdtemp(join(folder, "sharded-"));
    const path = await saveSafetensors(join(home, "model.safetensors"), some(), { maxShardBytes: 12 });
    expect(path).toBe(join(home, "model.safetensors.index.json"));
    expect((await readdir(home)).sort()).toEqual([
      "model-00001-of-00004.safetensors",
      "model-00002-of-00004.safetensors",
      "model-00003-of-00004.safetensors",
      "model-00004-of-00004.safetensors",
      "model.safetensors.index.json",
    ]);
    expect(contents((await loadSafetensors(path)).tensors)).toEqual(contents(some()));
    expect(contents((await loadSafetensors(home)).tensors)).toEqual(contents(some()));

    await rm(join(home, "model-00002-of-00004.safetensors"));
    expect(await codeOf(openSafetensors(home))).toBe("PB7103");
  });

  test.each([
    ["no weight_map", "{}"],
    ["not JSON", "{"],
    ["a file outside the folder", '{ "weight_map": { "x": "../secret.safetensors" } }'],
    ["an absolute path", '{ "weight_map": { "x": "/etc/passwd" } }'],
  ])("an index with %s is refused", async (_, text) => {
    const path = join(await mkdtemp(join(folder, "index-")), "model.safetensors.index.json");
    await writeFile(path, text);
    expect(await codeOf(openSafetensors(path))).toBe("PB7101");
  });

  test("an index whose shard lacks a tensor names it", async () => {
    const home = await mkdtemp(join(folder, "lacking-"));
    await saveSafetensors(join(home, "a.safetensors"), { x: tensor([1]) });
    const path = join(home, "model.safetensors.index.json");
    await writeFile(path, JSON.stringify({ weight_map: { x: "a.safetensors", y: "a.safetensors" } }));
    const error: CheckpointError = await openSafetensors(path).catch((e) => e);
    expect([error.code, error.names]).toEqual(["PB7103", ["y"]]);
  });

  test("a write that fails half-way leaves the old file and no other", async () => {
    const home = await mkdtemp(join(folder, "atomic-"));
    const path = join(home, "model.safetensors");
    await saveSafetensors(path, { x: tensor([1, 2]) });
    const failing = writeAtomically(path, async (file) => {
      await file.write(new Uint8Array(100));
      throw new Error("the power went out");
    });
    await expect(failing).rejects.toThrow("the power went out");
    expect(await readdir(home)).toEqual(["model.safetensors"]);
    expect((await loadSafetensors(path)).tensors.get("x")!.toArray()).toEqual([1, 2]);
  });

  test("a folder that does not exist is a CheckpointError", async () => {
    expect(await codeOf(saveSafetensors(join(folder, "no", "such", "x.safetensors"), { x: tensor([1]) }))).toBe(
      "PB7106",
    );
  });

  test("a sparse file of more than 4 GiB is read at its far end", async () => {
    const far = 2 ** 32 + 1024;
    const header = JSON.stringify({
      pad: { dtype: "U8", shape: [far], data_offsets: [0, far] },
      x: f32([2], far, far + 8),
    });
    const json = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
    const path = join(folder, "huge.safetensors");
    await writeAtomically(path, async (file) => {
      const prefix = new Uint8Array(8 + json.byteLength);
      new DataView(prefix.buffer).setBigUint64(0, BigInt(json.byteLength), true);
      prefix.set(json, 8);
      await file.write(prefix, 0, prefix.byteLength, 0);
      await file.write(new Uint8Array(new Float32Array([6.5, -1]).buffer), 0, 8, prefix.byteLength + far);
    });
    const file = await openSafetensors(path);
    expect((await file.read("x")).toArray()).toEqual([6.5, -1]);
    await file.close();
    await rm(path);
  });
});
