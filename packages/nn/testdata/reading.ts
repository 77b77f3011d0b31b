/** Files that tests write themselves, and what reading them gives. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "@jest/globals";
import { DataError } from "../src/errors.ts";

/** A folder that goes when the test file is done. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pullback-data-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files into a folder, and gives their paths. */
export const writerInto = (folder: string) => async (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const sample of source) found.push(sample);
  return found;
}

/** The DataError that a promise ends with. */
export async function failure(promise: Promise<unknown>): Promise<DataError> {
  const error = await promise.then(() => undefined, (e) => e); // biome-ignore format: one thought
  expect(error).toBeInstanceOf(DataError);
  return error;
}
