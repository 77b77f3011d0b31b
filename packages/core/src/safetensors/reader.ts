/** Lazy reading: headers at once, each tensor's bytes when it is asked for. */
import { currentBackend } from "../backend/index.ts";
import { eagerBackend } from "../backends/eager/index.ts";
import type { DType } from "../dtype.ts";
import { tensorOn } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/index.ts";
import { decodeElements } from "./elements.ts";
import { CheckpointError } from "./errors.ts";
import { dtypeOfType } from "./header.ts";
import { openAll, type Placed, readRange, type Shard } from "./shards.ts";

/** What a file says about a tensor without reading it. */
export interface TensorInfo {
  /** `undefined` for element types that no dtype of ours can hold (F8_E4M3, …); reading such a tensor throws. */
  readonly dtype: DType | undefined;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** An open checkpoint: one safetensors file, or the shards of an index. Made by `openSafetensors`. */
export class SafetensorsFile {
  readonly path: string;
  /** Free text of the file (`format: "pt"`, …), or of the index where there is one. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #shards: readonly Shard[];
  readonly #tensors: ReadonlyMap<string, Placed>;

  constructor(
    path: string,
    opened: {
      shards: readonly Shard[];
      tensors: ReadonlyMap<string, Placed>;
      metadata: Readonly<Record<string, string>>;
    },
  ) {
    this.path = path;
    this.metadata = opened.metadata;
    this.#shards = opened.shards;
    this.#tensors = opened.tensors;
  }

  /** The names of all tensors, in the order of the file or index. */
  names(): string[] {
    return [...this.#tensors.keys()];
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @throws CheckpointError PB7105 when there is no such tensor */
  info(name: string): TensorInfo {
    const { entry } = this.#placed(name);
    return { dtype: dtypeOfType[entry.type], shape: entry.shape, bytes: entry.end - entry.begin };
  }

  /**
   * Reads one tensor, converted to `dtype` where one is given.
   *
   * @throws CheckpointError PB7105 when there is no such tensor, PB7102 when the file has been cut short, PB7104 when
   *   its element type is none of ours
   */
  async read(name: string, options: { dtype?: DType } = {}): Promise<Tensor> {
    const { shard, entry } = this.#placed(name);
    const bytes = await readRange(shard.handle, entry.begin, entry.end, shard.path);
    const { data, dtype } = decodeElements(entry, bytes, shard.path);
    const target = currentBackend();
    // A backend that does not hold the file's dtype may well hold the wanted one.
    const reader = target.dtypes?.has(dtype) === false ? eagerBackend : target;
    const value = tensorOn(reader, data, { shape: entry.shape, dtype });
    const cast = options.dtype === undefined || options.dtype === dtype ? value : value.cast(options.dtype);
    return reader === target ? cast : cast.to(target.name);
  }

  /** Reads every tensor. */
  async readAll(options: { dtype?: DType } = {}): Promise<Map<string, Tensor>> {
    const all = new Map<string, Tensor>();
    for (const name of this.#tensors.keys()) all.set(name, await this.read(name, options));
    return all;
  }

  async close(): Promise<void> {
    for (const shard of this.#shards) await shard.handle.close();
  }

  #placed(name: string): Placed {
    const placed = this.#tensors.get(name);
    if (placed !== undefined) return placed;
    throw new CheckpointError(`has no tensor "${name}"`, {
      code: "PB7105",
      path: this.path,
      names: [name],
      hint: `It holds ${this.#tensors.size} tensors; names() lists them.`,
    });
  }
}

/**
 * Opens `path`: a `.safetensors` file, a `.safetensors.index.json`, or a folder that holds either under the Hub's
 * names. Reads and validates the headers only. Close it when done.
 *
 * @throws CheckpointError PB7101 malformed, PB7102 cut short, PB7103 a file is missing
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return new SafetensorsFile(path, await openAll(path));
}

/** Opens, reads every tensor and closes. Throws as `openSafetensors` and `SafetensorsFile.read` do. */
export async function loadSafetensors(
  path: string,
  options: { dtype?: DType } = {},
): Promise<{ tensors: Map<string, Tensor>; metadata: Readonly<Record<string, string>> }> {
  const file = await openSafetensors(path);
  try {
    return { tensors: await file.readAll(options), metadata: file.metadata };
  } finally {
    await file.close();
  }
}
