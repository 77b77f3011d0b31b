/** No operation of the case table that has a derivative is left out of this folder. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { loadAreas } from "../../conformance/index.ts";

test("every differentiable operation is differentiated twice", async () => {
  const here = new URL("./", import.meta.url);
  const text = readdirSync(here)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(new URL(name, here), "utf8"))
    .join("\n");
  const cases = (await loadAreas()).flatMap((area) => area.cases);
  const operations = new Set(cases.filter(({ gradients }) => gradients !== undefined).map(({ op }) => op));
  expect(operations.size).toBeGreaterThan(150);
  const missing = [...operations].filter((op) => !new RegExp(`(^|[^\\w])${op}\\(`).test(text));
  expect(missing).toEqual([]);
});
