/** A small WebAssembly assembler: expressions, structured control, one imported memory. */
export {
  type Code,
  Expression,
  f32,
  f32x4,
  f64,
  f64x2,
  i8x16,
  i16x8,
  i32,
  i32x4,
  Local,
  loopTo,
  loopWhile,
  memory,
  type Statement,
  sequence,
  touch,
  type ValueType,
  v128,
  when,
} from "./code.ts";
export { hasRelaxedSimd } from "./features.ts";
export { FunctionBuilder, isShared, ModuleBuilder, type SharedModule, Steps } from "./module.ts";
