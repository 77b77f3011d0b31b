/**
 * The cache on disk, `node_modules/.cache/pullback`: small files under content hashes, each written whole and renamed
 * into place, so that processes may share it and a crash leaves nothing half written.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Entries that nobody has written for this long are swept, in milliseconds. */
const keptFor = 14 * 24 * 3600 * 1000;

export function hash(...parts: readonly string[]): string {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(`${part.length}:`).update(part);
  return digest.digest("hex").slice(0, 32);
}

/** A lock older than this was left behind, in milliseconds. */
const longestLock = 120_000;

export class DiskCache {
  readonly #folder: string | undefined;
  /** Stands in for a folder that is missing or cannot be written. */
  readonly #memory = new Map<string, string>();

  /** `folder` undefined: kept for the life of the process only. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** The cache of the project that `projectFolder` lies in: beside its installed packages. */
  static of(projectFolder: string): DiskCache {
    for (let folder = projectFolder; ; folder = dirname(folder)) {
      const modules = join(folder, "node_modules");
      if (existsSync(modules)) return new DiskCache(join(modules, ".cache", "pullback"));
      if (dirname(folder) === folder) return new DiskCache(undefined);
    }
  }

  read(name: string): string | undefined {
    const held = this.#memory.get(name);
    if (held !== undefined || this.#folder === undefined) return held;
    try {
      return readFileSync(join(this.#folder, name), "utf8");
    } catch {
      return undefined;
    }
  }

  write(name: string, text: string): void {
    if (this.#folder === undefined) {
      this.#memory.set(name, text);
      return;
    }
    const path = join(this.#folder, name);
    const whole = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(whole, text);
      renameSync(whole, path);
    } catch {
      // A read-only or full disk costs the next start its speed, nothing else.
      rmSync(whole, { force: true });
      this.#memory.set(name, text);
    }
  }

  /** Waits until no other process holds the lock, then holds it; `waited` tells whether someone else had it before. */
  lock(name: string): { release: () => void; waited: boolean } {
    const free = { release: () => {}, waited: false };
    if (this.#folder === undefined) return free;
    const path = join(this.#folder, `${name}.lock`);
    let waited = false;
    for (;;) {
      try {
        mkdirSync(this.#folder, { recursive: true });
        writeFileSync(path, String(process.pid), { flag: "wx" });
        return { release: () => rmSync(path, { force: true }), waited };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") return free;
      }
      if (isAbandoned(path)) {
        rmSync(path, { force: true });
        continue;
      }
      waited = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);
    }
  }

  /** Removes what has not been written for two weeks. */
  sweep(): void {
    if (this.#folder === undefined || !existsSync(this.#folder)) return;
    const oldest = Date.now() - keptFor;
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isFile() && stat.mtimeMs < oldest) rmSync(path, { force: true });
    }
  }
}

/** The holder is dead, or has held the lock for longer than any compilation takes. */
function isAbandoned(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > longestLock) return true;
    process.kill(Number(readFileSync(path, "utf8")), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/**
 * What the output depends on besides the sources: this compiler, built or bootstrapped, and the TypeScript that the
 * project brings.
 */
export function compilerVersion(projectFolder: string): string {
  const own = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const parts: string[] = [];
  for (const file of [join(own, "package.json"), join(own, "dist", ".bootstrap.json")]) {
    if (existsSync(file)) parts.push(readFileSync(file, "utf8"));
  }
  try {
    parts.push(
      readFileSync(createRequire(join(projectFolder, "package.json")).resolve("typescript/package.json"), "utf8"),
    );
  } catch {
    parts.push("bundled TypeScript");
  }
  return hash(...parts);
}
