/**
 * Every case in every dtype on the backends that run in Node: float64 against PyTorch, which computed the references in
 * it; the other dtypes against float64 from the same numbers, integers and bool exactly. A dtype that a backend does not
 * hold is refused by name.
 */
import { describe, expect, test } from "@jest/globals";
import { type DType, DTypeError, tensor, withBackend } from "../index.ts";
import { capabilities } from "./capabilities.ts";
import { loadAreas } from "./cases.ts";

const areas = await loadAreas();
const all: readonly DType[] = ["float64", "float16", "bfloat16", "int32", "uint8", "bool"];
const held: Readonly<Record<string, readonly DType[]>> = {
  eager: all,
  lazy: all,
  "tfjs:cpu": ["int32", "bool"],
  "tfjs:wasm": ["int32", "bool"],
};

describe.each(Object.keys(held))("%s", (device) => {
  test.each(held[device]!)("%s", async (dtype) => {
    await withBackend(device, () => undefined);
    const found = await capabilities(areas, device, dtype);
    expect(found.size).toBeGreaterThan(150);
    expect([...found].filter(([, capability]) => capability === "wrong").map(([operation]) => operation)).toEqual([]);
    // What a dtype is held for is more than a few operations.
    expect([...found.values()].filter((capability) => capability !== "refused").length).toBeGreaterThan(100);
  });

  test("other dtypes are refused by name", async () => {
    await withBackend(device, () => {
      for (const dtype of all.filter((other) => !held[device]!.includes(other))) {
        const make = (): unknown => tensor([1], { dtype });
        expect(make).toThrow(DTypeError);
        expect(make).toThrow(new RegExp(`${device}.*${dtype}`));
      }
    });
  });
});
