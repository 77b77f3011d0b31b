import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { DiskCache, hash } from "./cache.ts";
import { inputOf, isUnchanged } from "./inputs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pullback-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what one cache writes another reads, and no half-written file remains", () => {
  new DiskCache(folder).write("a.json", "1");
  expect(new DiskCache(folder).read("a.json")).toBe("1");
  expect(new DiskCache(folder).read("b.json")).toBeUndefined();
  expect(readdirSync(folder)).toEqual(["a.json"]);
});

test("without a folder it keeps for the life of the process", () => {
  const cache = new DiskCache(undefined);
  cache.write("a", "1");
  expect(cache.read("a")).toBe("1");
});

test("old entries are swept", () => {
  const cache = new DiskCache(folder);
  cache.write("old", "1");
  cache.write("new", "1");
  utimesSync(join(folder, "old"), new Date(2000, 1), new Date(2000, 1));
  cache.sweep();
  expect(readdirSync(folder)).toEqual(["new"]);
});

test("a lock whose holder is dead, or which is old, is taken over", () => {
  const cache = new DiskCache(folder);
  cache.lock("x").release();
  writeFileSync(join(folder, "x.lock"), "999999999");
  const { release, waited } = cache.lock("x");
  expect(waited).toBe(false);
  release();
  expect(readdirSync(folder)).toEqual([]);
});

test("hashes tell where one part ends", () => {
  expect(hash("ab", "c")).not.toBe(hash("a", "bc"));
});

test("an input is unchanged by its time, or else by its text", () => {
  const file = join(folder, "x.ts");
  writeFileSync(file, "one");
  const input = inputOf(file);
  expect(isUnchanged(input)).toBe(true);
  utimesSync(file, new Date(2001, 1), new Date(2001, 1));
  expect(isUnchanged(input)).toBe(true);
  writeFileSync(file, "two");
  expect(isUnchanged(input)).toBe(false);
  rmSync(file);
  expect(isUnchanged(input)).toBe(false);
});
