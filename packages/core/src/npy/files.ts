/** .npy and .npz by path, in Node. */
import { CheckpointError, writeAtomically } from "../safetensors/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";
import { decodeNpz, encodeNpz } from "./npz.ts";

async function read<T>(path: string, decode: (bytes: Uint8Array) => T): Promise<T> {
  const { readFile } = await import("node:fs/promises");
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new CheckpointError(`cannot be read (${cause.message})`, { code: "PB7103", path, cause });
  });
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const { code, hint, names } = error as CheckpointError & { code: string; hint?: string };
    throw new CheckpointError(error.message, {
      code,
      path,
      names,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** Reads an array that NumPy saved. @throws CheckpointError as `decodeNpy`, PB7103 when there is no such file */
export function loadNpy(path: string): Promise<Tensor> {
  return read(path, (bytes) => decodeNpy(bytes));
}

/** Reads the arrays of an archive, by name. @throws CheckpointError as `decodeNpz`, PB7103 when there is no such file */
export function loadNpz(path: string): Promise<Map<string, Tensor>> {
  return read(path, decodeNpz);
}

/** Writes an array for `numpy.load`, replacing the file at once. @throws CheckpointError PB7106, DTypeError as `encodeNpy` */
export async function saveNpy(path: string, x: Tensor): Promise<void> {
  const bytes = await encodeNpy(x);
  await writeAtomically(path, (file) => file.writeFile(bytes));
}

/** Writes an archive for `numpy.load`, replacing the file at once. @throws CheckpointError PB7106, DTypeError as `encodeNpz` */
export async function saveNpz(
  path: string,
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options: { readonly compress?: boolean } = {},
): Promise<void> {
  const bytes = await encodeNpz(tensors, options);
  await writeAtomically(path, (file) => file.writeFile(bytes));
}
