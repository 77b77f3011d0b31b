/** Several arrays of NumPy in a zip archive, each as `name.npy`: what `numpy.savez` writes. */
import { unzipSync, zipSync } from "fflate";
import { CheckpointError } from "../safetensors/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { damagedEntries } from "./checksums.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";

/**
 * The arrays in the bytes of a .npz file, by name.
 * @throws CheckpointError PB7101 when it is no zip archive or holds something else than arrays, PB7102 when a checksum does
 *   not fit, otherwise as `decodeNpy`
 */
export function decodeNpz(bytes: Uint8Array): Map<string, Tensor> {
  let entries: Record<string, Uint8Array>;
  try {
    // Archives of one realm are not recognised in another.
    entries = unzipSync(Uint8Array.from(bytes));
  } catch (cause) {
    throw new CheckpointError(`This is not a whole .npz archive: ${(cause as Error).message}`, {
      code: "PB7101",
      cause,
      hint: "A single array is a .npy file; read it with decodeNpy or loadNpy.",
    });
  }
  const damaged = damagedEntries(bytes, entries);
  if (damaged.length > 0)
    throw new CheckpointError(`The archive is damaged: the checksum of "${damaged[0]}" does not fit its content.`, {
      code: "PB7102",
      names: damaged,
      hint: "Copy or download the file again.",
    });
  const arrays = new Map<string, Tensor>();
  for (const [file, content] of Object.entries(entries)) {
    if (!file.endsWith(".npy"))
      throw new CheckpointError(`The archive holds "${file}", which is not an array.`, {
        code: "PB7101",
        names: [file],
      });
    const name = file.slice(0, -4);
    arrays.set(name, decodeNpy(content, name));
  }
  return arrays;
}

/**
 * The bytes of a .npz file with these tensors.
 * @param options.compress as `numpy.savez_compressed`; default false
 * @throws DTypeError for bfloat16 and quantised tensors
 */
export async function encodeNpz(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options: { readonly compress?: boolean } = {},
): Promise<Uint8Array> {
  const entries = (tensors instanceof Map ? [...tensors] : Object.entries(tensors)) as [string, Tensor][];
  const files: Record<string, Uint8Array> = {};
  for (const [name, x] of entries) files[`${name}.npy`] = await encodeNpy(x);
  return zipSync(files, { level: options.compress === true ? 6 : 0 });
}
