/** The areas of testdata/tensor, read from the package's folder; for tests and scripts in Node. */
import { readFileSync } from "node:fs";
import { type Area, areaNames, parseArea } from "./cases.ts";

export function areas(): Area[] {
  return areaNames.map((name) => {
    const folder = new URL(`../../testdata/tensor/${name}/`, import.meta.url);
    const json = readFileSync(new URL("cases.json", folder), "utf8");
    return parseArea(name, json, new Uint8Array(readFileSync(new URL("data.safetensors", folder))));
  });
}
