/** Writing so that a crash leaves either the old file or the new one, never a part. */
import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "./errors.ts";

let written = 0;

/**
 * Calls `write` on a temporary file in the folder of `path`, flushes it to the disk, and renames it to `path`. When
 * `write` throws, the temporary file is removed and `path` is as it was.
 *
 * @throws CheckpointError PB7106 when the system refuses (no such folder, no space, no permission)
 */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const { open, rename, rm } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const temporary = `${path}.${process.pid}-${written++}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (typeof (cause as { syscall?: unknown }).syscall !== "string") throw cause;
    throw new CheckpointError(`cannot be written (${(cause as Error).message})`, {
      code: "PB7106",
      path,
      cause,
      hint: "Check that the folder exists, that it may be written to, and the space left.",
    });
  }
  await flushFolder(dirname(path));
}

/** Makes renames in a folder durable. Windows cannot open folders, and there the rename is durable by itself. */
export async function flushFolder(folder: string): Promise<void> {
  const { open } = await import("node:fs/promises");
  const handle = await open(folder, "r").catch(() => undefined);
  if (handle === undefined) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}
