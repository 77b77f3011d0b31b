/** Clearing and moving stretches of the memory: on a shared memory the methods of typed arrays go word by word. */
import { i32, memory as instructions, ModuleBuilder } from "../wasm/index.ts";

export interface BulkFunctions {
  /** (to, bytes) */
  readonly clear: (...values: number[]) => void;
  /** (to, from, bytes) */
  readonly move: (...values: number[]) => void;
}

export function bulkFunctions(memory: WebAssembly.Memory): BulkFunctions {
  const module = new ModuleBuilder();
  const clear = module.function("clear", ["i32", "i32"]);
  const [to, bytes] = clear.parameters;
  clear.code(instructions.fill(to, i32.const(0), bytes));
  const move = module.function("move", ["i32", "i32", "i32"]);
  const [target, from, count] = move.parameters;
  move.code(instructions.move(target, from, count));
  return module.instantiate(memory) as unknown as BulkFunctions;
}
