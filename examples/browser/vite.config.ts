/** Builds the page of this folder: the compiler as a plugin, everything else as Vite has it. */
import { fileURLToPath } from "node:url";
import pullback from "@pullback/compiler-plugin/vite";
import { defaultClientConditions, defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // The library's own packages are sources here, compiled with the page; installed ones need neither line.
  plugins: [pullback({ root: here("../.."), tsconfig: here("tsconfig.json") })],
  resolve: { conditions: ["@pullback/source", ...defaultClientConditions] },
  build: { target: "es2022", chunkSizeWarningLimit: 4000 },
});
