/** Writing safetensors, atomically, in one file or in shards with an index. */
import type { FileHandle } from "node:fs/promises";
import { type ElementDType, requireElements } from "../dtype.ts";
import type { Tensor } from "../tensor/index.ts";
import { writeAtomically } from "./atomic.ts";
import { typeOfDtype } from "./header.ts";

export interface SaveOptions {
  /** Free text for the header; `{ format: "pt" }` is what PyTorch's tools expect. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Above this many bytes of tensors the checkpoint is cut into shards; default 5e9, as the Hub has it. */
  readonly maxShardBytes?: number;
}

const elementBytes = { float64: 8, float32: 4, float16: 2, bfloat16: 2, int32: 4, int8: 1, uint8: 1, bool: 1 } as const;

/** The type of the elements. @throws DTypeError for quantised tensors, which the format does not know. */
function typeOf(x: Tensor): ElementDType {
  requireElements(x.dtype);
  return x.dtype;
}

const bytesOf = (x: Tensor): number => x.size * elementBytes[typeOf(x)];

/**
 * Writes `tensors` to `path` (`….safetensors`). Past `maxShardBytes` it writes `…-00001-of-0000N.safetensors` and
 * `….safetensors.index.json` instead. Every file replaces its predecessor at once, the index last, so that a crash
 * never leaves a part of a file.
 *
 * @returns the path to open: the file, or the index
 * @throws CheckpointError PB7106 when the system refuses
 */
export async function saveSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options: SaveOptions = {},
): Promise<string> {
  const all = [...(tensors instanceof Map ? tensors : Object.entries(tensors))] as [string, Tensor][];
  const shards = cut(all, options.maxShardBytes ?? 5e9);
  const metadata = options.metadata ?? {};
  if (shards.length === 1) {
    await writeAtomically(path, (file) => writeShard(file, shards[0], metadata));
    return path;
  }

  const { basename } = await import("node:path");
  const stem = path.replace(/\.safetensors$/, "");
  const weightMap: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const shardPath = `${stem}-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`;
    await writeAtomically(shardPath, (file) => writeShard(file, shard, metadata));
    for (const [name] of shard) weightMap[name] = basename(shardPath);
  }
  const total = all.reduce((sum, [, x]) => sum + bytesOf(x), 0);
  const index = { metadata: { ...metadata, total_size: total }, weight_map: weightMap };
  const indexPath = `${stem}.safetensors.index.json`;
  await writeAtomically(indexPath, (file) => file.writeFile(`${JSON.stringify(index, null, 2)}\n`));
  return indexPath;
}

const digits = (n: number): string => String(n).padStart(5, "0");

/** Fills shards in order; a tensor larger than a shard has one to itself. */
function cut(all: readonly [string, Tensor][], limit: number): [string, Tensor][][] {
  const shards: [string, Tensor][][] = [[]];
  let used = 0;
  for (const [name, x] of all) {
    const bytes = bytesOf(x);
    if (used > 0 && used + bytes > limit) {
      shards.push([]);
      used = 0;
    }
    shards[shards.length - 1].push([name, x]);
    used += bytes;
  }
  return shards;
}

async function writeShard(
  file: FileHandle,
  tensors: readonly [string, Tensor][],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  // Wide elements first, so that every tensor is aligned to its element size.
  const ordered = [...tensors].sort(([, a], [, b]) => elementBytes[typeOf(b)] - elementBytes[typeOf(a)]);
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, x] of ordered) {
    const end = offset + bytesOf(x);
    header[name] = { dtype: typeOfDtype[typeOf(x)], shape: x.shape, data_offsets: [offset, end] };
    offset = end;
  }

  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.byteLength / 8) * 8).fill(0x20);
  padded.set(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.byteLength), true);

  let position = 0;
  for (const bytes of [length, padded]) position = await writeAll(file, bytes, position);
  for (const [, x] of ordered) {
    const data = await x.data();
    position = await writeAll(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
  }
}

const largestWrite = 2 ** 30;

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(
      bytes,
      done,
      Math.min(largestWrite, bytes.byteLength - done),
      position + done,
    );
    done += bytesWritten;
  }
  return position + bytes.byteLength;
}
