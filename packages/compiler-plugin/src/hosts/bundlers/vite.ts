/** `import pullback from "@pullback/compiler-plugin/vite"`: the compiler as a Vite plugin, `export default defineConfig({ plugins: [pullback()] })`. */
import { plugin } from "./plugin.ts";

export type { BundlerOptions } from "./plugin.ts";

export default plugin.vite;
