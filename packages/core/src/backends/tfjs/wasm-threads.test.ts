import { expect, test } from "@jest/globals";
import { repaired, withRepairedWorkers } from "./wasm-threads.ts";

/** A loader as a minifier leaves it: `e` is declared around it only. */
const minified =
  "var WasmBackendModuleThreadedSimd = function(t){t.dir=e!==void 0&&e;return{u:t.mainScriptUrlOrBlob||e}}";
const run = (text: string): unknown => new Function(`${text};return WasmBackendModuleThreadedSimd({})`)();

test("the loader's text declares the variable that it reads", () => {
  expect(() => run(minified)).toThrow(ReferenceError);
  expect(run(repaired(minified) as string)).toEqual({ u: undefined });
  const plain = minified
    .replace(".mainScriptUrlOrBlob||e", '["mainScriptUrlOrBlob"]||_scriptDir')
    .replaceAll("e!==void 0&&e", "0");
  expect(run(repaired(plain) as string)).toEqual({ u: undefined });
  expect(() => repaired("var WasmBackendModuleThreadedSimd = function(){}")).toThrow(/unknown form/);
});

test("Blobs are repaired while an engine starts, and only then", async () => {
  const plain = globalThis.Blob;
  const made = (): Promise<string> => new Blob([minified, "rest"]).text();
  const [inside, nested] = await withRepairedWorkers(() => Promise.all([made(), withRepairedWorkers(made)]));
  expect([inside, nested]).toEqual([`var e;${minified}rest`, `var e;${minified}rest`]);
  expect(globalThis.Blob).toBe(plain);
  await expect(withRepairedWorkers(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(globalThis.Blob).toBe(plain);
  expect(await made()).toBe(`${minified}rest`);
});
