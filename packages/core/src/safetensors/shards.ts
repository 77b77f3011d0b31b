/** One checkpoint, one or many files: finds the files and reads their headers. */
import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "./errors.ts";
import { type Header, headerLength, parseHeader, type TensorEntry } from "./header.ts";

/** An open file and what its header lists. */
export interface Shard {
  readonly path: string;
  readonly handle: FileHandle;
  readonly header: Header;
}

/** A tensor and the file that holds it. */
export interface Placed {
  readonly shard: Shard;
  readonly entry: TensorEntry;
}

/** Opens one file and validates its header. */
export async function openShard(path: string): Promise<Shard> {
  const { open } = await import("node:fs/promises");
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (cause) {
    throw new CheckpointError("cannot be opened", {
      code: "PB7103",
      path,
      cause,
      hint: "Check the path, and that the download is complete.",
    });
  }
  try {
    const { size } = await handle.stat();
    const prefix = new Uint8Array(await readRange(handle, 0, Math.min(8, size), path));
    const json = new Uint8Array(await readRange(handle, 8, 8 + headerLength(prefix, size, path), path));
    return { path, handle, header: parseHeader(json, size, path) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A read of 2 GiB or more fails on some systems; one of this size never does. */
const largestRead = 2 ** 30;

/**
 * Bytes `begin` to `end` of a file, in a buffer of their own.
 *
 * @throws CheckpointError PB7102 when the file ends before `end`
 */
export async function readRange(handle: FileHandle, begin: number, end: number, path: string): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(end - begin);
  for (let done = 0; done < buffer.byteLength; ) {
    const part = new Uint8Array(buffer, done, Math.min(largestRead, buffer.byteLength - done));
    const { bytesRead } = await handle.read(part, 0, part.byteLength, begin + done);
    if (bytesRead === 0) {
      throw new CheckpointError(`ends at byte ${begin + done}, before byte ${end} that its header promises`, {
        code: "PB7102",
        path,
        hint: "The file was cut short, perhaps while it was open; write or download it again.",
      });
    }
    done += bytesRead;
  }
  return buffer;
}

/**
 * The files behind `path`: itself, the shards that an index lists, or what a folder in Hub layout holds
 * (`model.safetensors.index.json` or `model.safetensors`).
 */
export async function openAll(
  path: string,
): Promise<{ shards: Shard[]; tensors: Map<string, Placed>; metadata: Readonly<Record<string, string>> }> {
  const file = await resolve(path);
  if (!file.endsWith(".json")) {
    const shard = await openShard(file);
    const tensors = new Map([...shard.header.entries.values()].map((entry) => [entry.name, { shard, entry }]));
    return { shards: [shard], tensors, metadata: shard.header.metadata };
  }

  const { dirname, join } = await import("node:path");
  const { weightMap, metadata } = await readIndex(file);
  const shards = new Map<string, Shard>();
  try {
    for (const name of new Set(weightMap.values())) shards.set(name, await openShard(join(dirname(file), name)));
    const tensors = new Map<string, Placed>();
    const absent: string[] = [];
    for (const [name, shardName] of weightMap) {
      const shard = shards.get(shardName)!;
      const entry = shard.header.entries.get(name);
      if (entry === undefined) absent.push(name);
      else tensors.set(name, { shard, entry });
    }
    if (absent.length > 0) {
      throw new CheckpointError(
        `lists ${absent.length} tensors that their shards do not hold: ${absent.slice(0, 5).join(", ")}`,
        {
          code: "PB7103",
          path: file,
          names: absent,
          hint: "Index and shards are of different checkpoints; download them together.",
        },
      );
    }
    return { shards: [...shards.values()], tensors, metadata };
  } catch (error) {
    for (const shard of shards.values()) await shard.handle.close();
    throw error;
  }
}

async function resolve(path: string): Promise<string> {
  const { stat, access } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const isFolder = await stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );
  if (!isFolder) return path;
  for (const name of ["model.safetensors.index.json", "model.safetensors"]) {
    const candidate = join(path, name);
    if (
      await access(candidate).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  throw new CheckpointError("holds neither model.safetensors nor model.safetensors.index.json", {
    code: "PB7103",
    path,
    hint: "Name the file itself, or a folder in the Hub's layout.",
  });
}

async function readIndex(path: string): Promise<{ weightMap: Map<string, string>; metadata: Record<string, string> }> {
  const { readFile } = await import("node:fs/promises");
  let parsed: { weight_map?: unknown; metadata?: unknown };
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const missing = (cause as { code?: unknown }).code === "ENOENT";
    throw new CheckpointError(missing ? "cannot be opened" : "is not valid JSON", {
      code: missing ? "PB7103" : "PB7101",
      path,
      cause,
      hint: "Check the path, and that the download is complete.",
    });
  }
  const map = parsed?.weight_map;
  const usable = typeof map === "object" && map !== null && Object.values(map).every(isFileInside);
  if (!usable) {
    throw new CheckpointError("has no weight_map from tensor names to files beside it", {
      code: "PB7101",
      path,
      hint: 'An index is { "weight_map": { "<tensor>": "<file>.safetensors" } }.',
    });
  }
  const metadata = Object.entries(parsed.metadata ?? {}).map(([key, value]) => [key, String(value)]);
  return { weightMap: new Map(Object.entries(map as Record<string, string>)), metadata: Object.fromEntries(metadata) };
}

/** An index comes from the network: it may name files in its own folder and below, nothing else. */
function isFileInside(name: unknown): boolean {
  return typeof name === "string" && !/^([\\/]|[a-z]:)/i.test(name) && !name.split(/[\\/]/).includes("..");
}
