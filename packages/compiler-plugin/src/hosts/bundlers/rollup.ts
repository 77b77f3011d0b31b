/** `import pullback from "@pullback/compiler-plugin/rollup"`: the compiler as a Rollup plugin, `export default { plugins: [pullback(), …] }`. */
import { plugin } from "./plugin.ts";

export type { BundlerOptions } from "./plugin.ts";

export default plugin.rollup;
