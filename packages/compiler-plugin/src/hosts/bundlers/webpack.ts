/** `import pullback from "@pullback/compiler-plugin/webpack"`: the compiler as a webpack plugin, `export default { plugins: [pullback()] }`. */
import { plugin } from "./plugin.ts";

export type { BundlerOptions } from "./plugin.ts";

export default plugin.webpack;
