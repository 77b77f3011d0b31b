/** `import pullback from "@pullback/compiler-plugin/esbuild"`: the compiler as a esbuild plugin, `build({ plugins: [pullback()] })`. */
import { plugin } from "./plugin.ts";

export type { BundlerOptions } from "./plugin.ts";

export default plugin.esbuild;
