/** The files a result was made from, and whether they are still the same. */
import { readFileSync, statSync } from "node:fs";
import { hash } from "./cache.ts";

export interface Input {
  readonly file: string;
  readonly modified: number;
  readonly size: number;
  readonly hash: string;
}

/** An input as it is now; `known` is what it was, and saves reading it again. */
export function inputOf(file: string, known?: Input): Input {
  if (known !== undefined && isUnchanged(known)) return known;
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return { file, modified: 0, size: -1, hash: "" };
  return { file, modified: stat.mtimeMs, size: stat.size, hash: hash(readFileSync(file, "utf8")) };
}

/** Same time and size, or, as after a fresh checkout, the same text. */
export function isUnchanged(input: Input): boolean {
  const stat = statSync(input.file, { throwIfNoEntry: false });
  if (stat === undefined) return input.size === -1;
  if (stat.mtimeMs === input.modified && stat.size === input.size) return true;
  return stat.size === input.size && hash(readFileSync(input.file, "utf8")) === input.hash;
}
