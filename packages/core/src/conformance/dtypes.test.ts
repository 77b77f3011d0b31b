/**
 * Every case in every dtype on the embedded backends: float64 against PyTorch, which computed the references in it; the
 * other dtypes against float64 from the same numbers, integers and bool exactly.
 */
import { describe, expect, test } from "@jest/globals";
import { capabilities } from "./capabilities.ts";
import { loadAreas } from "./cases.ts";

const areas = await loadAreas();
const dtypes = ["float64", "float16", "bfloat16", "int32", "uint8", "bool"] as const;

describe.each(["eager", "lazy"])("%s", (device) => {
  test.each(dtypes)("%s", async (dtype) => {
    const found = await capabilities(areas, device, dtype);
    expect(found.size).toBeGreaterThan(150);
    expect([...found].filter(([, capability]) => capability === "wrong").map(([operation]) => operation)).toEqual([]);
  });
});
