/**
 * Writes the capability table of docs/backends.md: which operations each backend does in which dtypes.
 *
 *     npm run capabilities -w bench
 */
import { readFile, writeFile } from "node:fs/promises";
import { type DType, useBackend } from "@pullback/core";
import { type Capability, capabilities, loadAreas } from "@pullback/core/conformance";

const devices = ["eager", "lazy", "tfjs:cpu", "tfjs:wasm"];
const dtypes: Partial<Record<DType, string>> = {
  float32: "f32",
  float64: "f64",
  float16: "f16",
  bfloat16: "bf16",
  int32: "i32",
  uint8: "u8",
  bool: "b",
};

const areas = await loadAreas();
const table = new Map<string, Map<string, string[]>>();
const marks: Record<Capability, (name: string) => string[]> = {
  kernels: (name) => [name],
  host: (name) => [`${name}ʰ`],
  refused: () => [],
  wrong: () => [],
};
for (const device of devices) {
  await useBackend(device);
  await useBackend("eager");
  for (const [dtype, short] of Object.entries(dtypes) as [DType, string][]) {
    if (device.startsWith("tfjs") && !["float32", "int32", "bool"].includes(dtype)) continue;
    for (const [operation, capability] of await capabilities(areas, device, dtype)) {
      const row = table.get(operation) ?? new Map<string, string[]>();
      table.set(operation, row);
      row.set(device, [...(row.get(device) ?? []), ...marks[capability](short)]);
      if (capability === "wrong" && dtype === "float32") console.error(`${device}: ${operation} is wrong`);
    }
  }
}

const lines = [...table]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([operation, row]) => {
    const cells = devices.map((device) => row.get(device)?.join(" ") || "–");
    return `| \`${operation}\` | ${cells.join(" | ")} |`;
  });
const file = new URL("../../docs/backends.md", import.meta.url);
const page = await readFile(file, "utf8");
const heading = "<!-- written by bench/backends/capabilities.ts -->\n";
const head = `| operation | ${devices.join(" | ")} |\n| --- | ${devices.map(() => "---").join(" | ")} |\n`;
await writeFile(file, `${page.slice(0, page.indexOf(heading))}${heading}\n${head}${lines.join("\n")}\n`);
console.log(`${lines.length} operations written to docs/backends.md`);
