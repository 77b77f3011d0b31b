/**
 * The header of a safetensors file: eight bytes of length, then JSON that names every tensor with its element type,
 * shape and byte range. Source: huggingface/safetensors, README "Format"; validation is as strict as its reference
 * implementation (ranges must tile the data section exactly).
 */
import type { ElementDType } from "../dtype.ts";
import { CheckpointError } from "./errors.ts";

/** One tensor as the header lists it; `begin` and `end` are byte offsets in the file. */
export interface TensorEntry {
  readonly name: string;
  /** As the file spells it: "F32", "BF16", … */
  readonly type: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes per element of every type that the format knows, ours or not. */
// biome-ignore format: a table
const elementSizes: Readonly<Record<string, number>> = {
  F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1,
  F8_E4M3: 1, F8_E5M2: 1,
};

/** The dtype that each readable element type becomes. I64 is read as int32 when its values fit. */
// biome-ignore format: a table
export const dtypeOfType: Readonly<Record<string, ElementDType>> = {
  F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16", I64: "int32", I32: "int32", I8: "int8", U8: "uint8",
  BOOL: "bool",
};

// biome-ignore format: a table
export const typeOfDtype: Readonly<Record<ElementDType, string>> = {
  float64: "F64", float32: "F32", float16: "F16", bfloat16: "BF16", int32: "I32", int8: "I8", uint8: "U8", bool: "BOOL",
};

/** The reference implementation's limit; a longer header is a damaged length field. */
const longestHeader = 100_000_000;

const damaged = "The file is damaged or is not safetensors; download or write it again.";

/**
 * The length of the JSON that follows the first eight bytes.
 *
 * @throws CheckpointError PB7101, PB7102
 */
export function headerLength(prefix: Uint8Array, fileSize: number, path: string): number {
  if (fileSize < 8 || prefix.byteLength < 8) {
    throw new CheckpointError(`${fileSize} bytes are too few for a safetensors file, which starts with 8`, {
      code: "PB7102",
      path,
      hint: damaged,
    });
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(longestHeader)) {
    throw new CheckpointError(`the header claims ${length} bytes, more than the format's limit of ${longestHeader}`, {
      code: "PB7101",
      path,
      hint: damaged,
    });
  }
  if (8n + length > BigInt(fileSize)) {
    throw new CheckpointError(`the header claims ${length} bytes, but only ${fileSize - 8} follow`, {
      code: "PB7102",
      path,
      hint: damaged,
    });
  }
  return Number(length);
}

/**
 * Parses and validates the JSON of a header.
 *
 * @throws CheckpointError PB7101 when it is malformed, PB7102 when the data section has another length
 */
export function parseHeader(json: Uint8Array, fileSize: number, path: string): Header {
  const fail = (message: string, names: readonly string[] = [], code = "PB7101", cause?: unknown): never => {
    throw new CheckpointError(message, { code, path, names, hint: damaged, ...(cause === undefined ? {} : { cause }) });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (cause) {
    fail("the header is not valid JSON", [], "PB7101", cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) fail("the header is not a JSON object");

  const dataStart = 8 + json.byteLength;
  const entries = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed as Record<string, unknown>)) {
    if (name === "__metadata__") metadata = readMetadata(value, fail);
    else entries.set(name, readEntry(name, value, dataStart, fail));
  }

  let expected = dataStart;
  for (const entry of [...entries.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== expected) {
      const what = entry.begin < expected ? "overlaps the tensor before it" : "leaves a gap before it";
      fail(`the data of "${entry.name}" ${what} (starts at ${entry.begin}, expected ${expected})`, [entry.name]);
    }
    expected = entry.end;
  }
  if (expected > fileSize) {
    const missing = [...entries.values()].filter((entry) => entry.end > fileSize).map((entry) => entry.name);
    fail(`the file ends at byte ${fileSize}, but its tensors need ${expected}`, missing, "PB7102");
  }
  if (expected < fileSize) fail(`${fileSize - expected} bytes follow the last tensor`, [], "PB7102");
  return { entries, metadata };
}

type Fail = (message: string, names?: readonly string[]) => never;

function readMetadata(value: unknown, fail: Fail): Record<string, string> {
  const isText =
    typeof value === "object" && value !== null && Object.values(value).every((x) => typeof x === "string");
  return isText ? (value as Record<string, string>) : fail("__metadata__ is not a map from text to text");
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readEntry(name: string, value: unknown, dataStart: number, fail: Fail): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string") return fail(`"${name}" has no dtype`, [name]);
  const size = elementSizes[dtype];
  if (size === undefined) return fail(`"${name}" has the unknown dtype "${dtype}"`, [name]);
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return fail(`"${name}" has the shape ${JSON.stringify(shape)}, which is not a list of extents`, [name]);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    return fail(`"${name}" has the byte range ${JSON.stringify(offsets)}, which is not [begin, end]`, [name]);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product: number, extent: number) => product * extent, size);
  if (end - begin !== bytes) {
    return fail(
      `"${name}" of shape [${shape}] and dtype ${dtype} needs ${bytes} bytes, its range holds ${end - begin}`,
      [name],
    );
  }
  return { name, type: dtype, shape, begin: dataStart + begin, end: dataStart + end };
}
