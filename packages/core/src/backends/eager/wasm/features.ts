/** What this engine's WebAssembly can do beyond the 2.0 specification. */
import { f32x4, i32, v128 } from "./code.ts";
import { ModuleBuilder } from "./module.ts";

let relaxed: boolean | undefined;

/** Fused multiply-add on vectors (relaxed SIMD): Node 24 has it, Node 20 has not. */
export function hasRelaxedSimd(): boolean {
  if (relaxed === undefined) {
    const module = new ModuleBuilder();
    const zero = f32x4.const(0);
    module.function("probe", []).code(v128.store(i32.const(0), f32x4.relaxedMadd(zero, zero, zero)));
    relaxed = WebAssembly.validate(module.bytes());
  }
  return relaxed;
}
