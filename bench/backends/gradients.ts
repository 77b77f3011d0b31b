/**
 * The gradients of TensorFlow.js for Node. Its CommonJS build leaves them out, and the file that registers them is an ES
 * module that Node does not take as one: so it is bundled. It finds the registry of the other build by their global.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

export async function registerGradients(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gradients-"));
  try {
    const entry = fileURLToPath(new URL("gradients-entry.js", import.meta.url));
    await build({
      configFile: false,
      logLevel: "error",
      ssr: { noExternal: true },
      build: { ssr: entry, outDir: folder, rolldownOptions: { output: { entryFileNames: "gradients.mjs" } } },
    });
    await writeFile(join(folder, "package.json"), "{}");
    await import(pathToFileURL(join(folder, "gradients.mjs")).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}
