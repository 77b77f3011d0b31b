/** `import pullback from "@pullback/compiler-plugin/rolldown"`: the compiler as a Rolldown plugin, `export default { plugins: [pullback()] }`. */
import { plugin } from "./plugin.ts";

export type { BundlerOptions } from "./plugin.ts";

export default plugin.rolldown;
