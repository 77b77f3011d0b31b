/**
 * Writes the capability table of docs/backends.md: which operations each backend does in which dtypes, in Node and (the
 * engines on graphics processors) in headless Chromium. With names of backends only their columns are made anew.
 *
 *     npm run capabilities -w bench [-- tfjs:webgl tfjs:webgpu]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DType, withBackend } from "@pullback/core";
import { type Capability, capabilities, loadAreas } from "@pullback/core/conformance";
import { buildPage, executablePath, launch, open, outcomeOf, serve, stop } from "../../examples/browser/chromium.ts";
import type { CapabilitiesOutcome } from "../../examples/browser/main.ts";

const dtypes: Partial<Record<DType, string>> = {
  float32: "f32",
  float64: "f64",
  float16: "f16",
  bfloat16: "bf16",
  int32: "i32",
  uint8: "u8",
  bool: "b",
};
const ofTfjs: readonly DType[] = ["float32", "int32", "bool"];
const inNode = ["eager", "lazy", "tfjs:cpu", "tfjs:wasm"];
/** Flags without which small arrays would be computed on the host. */
const inBrowser: Readonly<Record<string, string>> = {
  "tfjs:webgl": "WEBGL_CPU_FORWARD:false",
  "tfjs:webgpu": "WEBGPU_CPU_FORWARD:false",
};
const devices = [...inNode, ...Object.keys(inBrowser)];
const given = process.argv.slice(2);
const wanted = devices.filter((device) => given.length === 0 || given.includes(device));

/** What is found of a device in a dtype; undefined where the device does not start here. */
type Find = (device: string, dtype: DType) => Promise<Iterable<readonly [string, Capability]> | undefined>;

const areas = await loadAreas();
const findInNode: Find = async (device, dtype) => {
  await withBackend(device, () => undefined);
  return capabilities(areas, device, dtype);
};

/** Runs `use` with a way to ask pages. */
async function withChromium(use: (find: Find) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pullback-capabilities-"));
  await buildPage(join(folder, "bundle"));
  const server = await serve({ "/": join(folder, "bundle") }, {});
  const browser = await launch(join(folder, "profile"));
  try {
    await use(async (device, dtype) => {
      const address = `/?work=capabilities&backend=${device}&dtype=${dtype}&tfjsflags=${inBrowser[device]}`;
      const page = await open(browser, server, address);
      const { refused, found } = await outcomeOf<CapabilitiesOutcome>(page);
      await page.close();
      if (refused === undefined) return found;
      console.error(refused);
      return undefined;
    });
  } finally {
    await browser.close();
    stop(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

const file = new URL("../../docs/backends.md", import.meta.url);
const page = await readFile(file, "utf8");
const heading = "<!-- written by bench/backends/capabilities.ts -->\n";
const [before, after] = [page.slice(0, page.indexOf(heading)), page.slice(page.indexOf(heading) + heading.length)];

/** Operation by operation what each device does: at first what the document has. */
const table = new Map<string, Map<string, string>>();
const lines = after.split("\n").filter((line) => line.startsWith("| "));
const cellsOf = (line: string): string[] => line.split("|").map((cell) => cell.trim()).slice(1, -1); // biome-ignore format: one line
const known = lines.length === 0 ? [] : cellsOf(lines[0]!).slice(1);
for (const line of lines.slice(2)) {
  const [operation, ...cells] = cellsOf(line);
  table.set(operation!.slice(1, -1), new Map(known.map((device, i) => [device, cells[i]!])));
}

const marks: Record<Capability, (name: string) => string[]> = {
  kernels: (name) => [name],
  host: (name) => [`${name}ʰ`],
  refused: () => [],
  wrong: () => [],
};

async function fill(device: string, find: Find): Promise<void> {
  const cells = new Map<string, string[]>();
  for (const [dtype, short] of Object.entries(dtypes) as [DType, string][]) {
    if (device.startsWith("tfjs") && !ofTfjs.includes(dtype)) continue;
    for (const [operation, capability] of (await find(device, dtype)) ?? []) {
      cells.set(operation, [...(cells.get(operation) ?? []), ...marks[capability](short)]);
      if (capability === "wrong") console.error(`${device}: ${operation} of ${dtype} is wrong`);
    }
  }
  if (cells.size === 0) return;
  for (const [operation, done] of cells) {
    if (!table.has(operation)) table.set(operation, new Map());
    table.get(operation)!.set(device, done.join(" "));
  }
  console.log(`${device}: ${cells.size} operations`);
}

for (const device of inNode) if (wanted.includes(device)) await fill(device, findInNode);
const browsed = wanted.filter((device) => device in inBrowser);
if (browsed.length > 0 && executablePath === undefined) console.error(`No Chromium: ${browsed.join(", ")} stay.`);
else if (browsed.length > 0)
  await withChromium(async (find) => {
    for (const device of browsed) await fill(device, find);
  });

const rows = [...table]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, row]) => `| \`${name}\` | ${devices.map((device) => row.get(device) || "–").join(" | ")} |`);
const head = `| operation | ${devices.join(" | ")} |\n| --- | ${devices.map(() => "---").join(" | ")} |\n`;
await writeFile(file, `${before}${heading}\n${head}${rows.join("\n")}\n`);
console.log(`${rows.length} operations written to docs/backends.md`);
