/** `import pullback from "@pullback/compiler-plugin/bun"`: the compiler as a Bun plugin, `Bun.build({ plugins: [pullback()] })`. */
import { plugin } from "./plugin.ts";

export type { BundlerOptions } from "./plugin.ts";

export default plugin.bun;
