/** Reads the golden cases in this folder (made with PyTorch 2 in float64 and rounded) for the tests of this package. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { loadSafetensors, type Tensor, useBackend } from "@pullback/core";
import * as schedules from "../src/schedules/index.ts";

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

export interface GoldenCase {
  readonly id: string;
  readonly op: string;
  readonly call: string;
  readonly tolerance: { readonly value: Tolerance; readonly gradient: Tolerance };
  readonly [key: string]: any;
}

export interface Golden {
  readonly cases: readonly GoldenCase[];
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Replaces `{ "$": name }` by the tensor of that name, `null` by `undefined`, at any depth. */
  resolve(value: unknown): any;
}

/** Declares the same tests on every backend, each with the reference tensors on that one. */
export async function onBackends(area: string, declare: (golden: Golden) => void): Promise<void> {
  for (const backend of ["eager", "lazy"]) {
    await useBackend(backend);
    const golden = await readGolden(area);
    describe(`${area} on ${backend}`, () => {
      beforeAll(() => useBackend(backend));
      afterAll(() => useBackend("eager"));
      declare(golden);
    });
  }
  await useBackend("eager");
}

export async function readGolden(area: string): Promise<Golden> {
  const path = (file: string) => fileURLToPath(new URL(`./${file}`, import.meta.url));
  const { cases } = JSON.parse(readFileSync(path(`${area}.json`), "utf8"));
  const { tensors } = await loadSafetensors(path(`${area}.safetensors`));
  const resolve = (value: any): any => {
    if (value === null) return undefined;
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== "object") return value;
    if (typeof value.$ === "string") return tensors.get(value.$);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  return { cases, tensors, resolve };
}

/** Every element within `atol + rtol * |expected|`; NaN equals NaN; shape and dtype equal. */
export function expectClose(actual: Tensor, expected: Tensor, { rtol, atol }: Tolerance): void {
  expect({ shape: actual.shape, dtype: actual.dtype }).toEqual({ shape: expected.shape, dtype: expected.dtype });
  const got = actual.dataSync();
  const want = expected.dataSync();
  const wrong = Array.from(want, (w, i) => ({ i, want: w, got: got[i] })).filter(({ want: w, got: g }) => {
    return !(Object.is(w, g) || w === g || Math.abs(g - w) <= atol + rtol * Math.abs(w));
  });
  expect(wrong).toEqual([]);
}

/** The schedule that a golden case describes; an inner one (`then`) has the outer one's base. */
export function scheduleOf(name: string, { then, ...options }: Record<string, any>): schedules.Schedule {
  const inner = then === undefined ? undefined : scheduleOf(then.name, { base: options.base, ...then });
  // biome-ignore lint/suspicious/noThenProperty: the option's published name
  return (schedules as Record<string, any>)[name](inner === undefined ? options : { ...options, then: inner });
}

/** The layer of a golden case, with its parameters, mode and running statistics. */
export function goldenLayer(golden: Golden, layers: object, c: GoldenCase): any {
  const layer = new (layers as Record<string, any>)[c.layer](...c.options);
  if (c.training !== undefined) layer.training = c.training;
  for (const [path, value] of Object.entries<Tensor>(golden.resolve({ ...c.parameters, ...c.state }))) {
    expect(at(layer, path).shape).toEqual(value.shape);
    put(layer, path, value);
  }
  return layer;
}

/** What stands at a path of fields; the value itself for the empty path. */
export function at(value: any, path: string): any {
  return path === "" ? value : path.split(".").reduce((object, field) => object[field], value);
}

/** Puts `content` at a path, in place, making objects on the way; gives `content` for the empty path. */
export function put(value: any, path: string, content: unknown): any {
  if (path === "") return content;
  const fields = path.split(".");
  const last = fields.pop()!;
  let holder = value;
  for (const field of fields) {
    holder[field] ??= {};
    holder = holder[field];
  }
  holder[last] = content;
  return value;
}
