/** The table of cases: what testdata/tensor holds for each area of operations, without regard to where it was read. */
import type { DType } from "../dtype.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
  readonly exact?: boolean;
}

/** One call of an operation, with reference results computed by PyTorch in float64. */
export interface Case {
  readonly id: string;
  readonly op: string;
  readonly call: "method" | "function";
  /** JSON, where { "$": name } is a tensor of the data and { "number": "NaN" } a number that JSON lacks. */
  readonly args: readonly unknown[];
  readonly outputs: readonly { path: string; ref: string; dtype: DType; shape: number[] }[];
  readonly wrt?: readonly string[];
  readonly cotangents?: readonly (string | null)[];
  readonly gradients?: readonly string[];
  readonly tangents?: readonly string[];
  readonly jvp?: readonly (string | null)[];
  readonly tolerance: { readonly value: Tolerance; readonly gradient?: Tolerance };
  readonly signedZero?: boolean;
}

interface HostTensor {
  readonly data: Float32Array;
  readonly shape: number[];
}

/** Cases and their numbers. */
export interface Area {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly data: ReadonlyMap<string, HostTensor>;
}

/** The names of the areas, which are folders of testdata/tensor with a cases.json and a data.safetensors each. */
export const areaNames = [
  "elementwise",
  "binary-broadcast",
  "reductions-scans",
  "shape-indexing",
  "linalg",
  "nn-primitives",
  "attention-rope-norms",
] as const;

/** The tensors of a safetensors file, as host arrays (typed by their dtype, whatever TypeScript calls them). */
function readData(bytes: Uint8Array): Map<string, HostTensor> {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + length))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const kinds: Record<string, new (buffer: ArrayBuffer) => ArrayBufferView> = {
    F32: Float32Array,
    F64: Float64Array,
    I32: Int32Array,
    U8: Uint8Array,
    BOOL: Uint8Array,
    I8: Int8Array,
  };
  const tensors = new Map<string, HostTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = entry.data_offsets;
    const copy = bytes.slice(8 + length + start, 8 + length + end);
    const data = new kinds[entry.dtype]!(copy.buffer as ArrayBuffer) as Float32Array;
    tensors.set(name, { data, shape: entry.shape });
  }
  return tensors;
}

/** An area from the contents of its two files. */
export function parseArea(name: string, json: string, bytes: Uint8Array): Area {
  const { cases } = JSON.parse(json) as { cases: Case[] };
  return { name, cases, data: readData(bytes) };
}

/** The package's folder of cases, beside src and dist alike; computed, so that bundlers leave it alone. */
const ownFolder = (): URL => new URL(["..", "..", "testdata", "tensor", ""].join("/"), import.meta.url);

async function readBytes(url: URL): Promise<Uint8Array> {
  if (url.protocol !== "file:") return new Uint8Array(await (await fetch(url)).arrayBuffer());
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(url));
}

/** Every area, from the package's own folder in Node; in a browser say where the folder is served. */
export async function loadAreas(folder: string | URL = ownFolder()): Promise<Area[]> {
  const base = new URL(folder);
  return Promise.all(
    areaNames.map(async (name) => {
      const json = new TextDecoder().decode(await readBytes(new URL(`${name}/cases.json`, base)));
      return parseArea(name, json, await readBytes(new URL(`${name}/data.safetensors`, base)));
    }),
  );
}

export type Named = Map<string, Tensor>;

/** Makes the tensors of a case; the capability table makes them in another dtype. */
export type Make = (data: Float32Array, options: { shape: number[]; dtype?: DType | undefined }) => Tensor;

/** Arguments as the operation takes them; tensors made once per name, so that one passed twice is the same. */
export function decode(value: unknown, area: Area, named: Named, make: Make = tensor): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((entry) => decode(entry, area, named, make));
  if (typeof value !== "object") return value;
  const entry = value as { $?: string; dtype?: DType; number?: string };
  if (entry.$ !== undefined) {
    if (!named.has(entry.$)) {
      const { data, shape } = area.data.get(entry.$)!;
      named.set(entry.$, make(data, { shape, dtype: entry.dtype }));
    }
    return named.get(entry.$);
  }
  if (entry.number !== undefined) return Number(entry.number);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decode(inner, area, named, make)]));
}

/** The dtypes of the tensors that a case takes and gives. */
export function dtypesOf(c: Case, area: Area): Set<DType> {
  const found = new Set<DType>(c.outputs.map(({ dtype }) => dtype));
  const byTag: Record<string, DType> = {
    Float32Array: "float32",
    Float64Array: "float64",
    Int32Array: "int32",
    Uint8Array: "uint8",
    Int8Array: "int8",
  };
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const entry = value as { $?: string; dtype?: DType };
    if (entry.$ !== undefined) {
      const data = area.data.get(entry.$)!.data as unknown as { [Symbol.toStringTag]: string };
      found.add(entry.dtype ?? byTag[data[Symbol.toStringTag]]!);
    } else Object.values(value).forEach(walk);
  };
  c.args.forEach(walk);
  return found;
}
