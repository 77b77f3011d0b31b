/** Assembles functions into a module that imports one memory, and instantiates it. */
import { type Expression, Local, type Statement, unsigned, type ValueType } from "./code.ts";

const typeBytes: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export class FunctionBuilder {
  readonly name: string;
  readonly parameters: readonly Local[];
  private readonly locals: ValueType[] = [];
  private body: Statement = [];

  constructor(name: string, parameters: readonly ValueType[]) {
    this.name = name;
    this.parameters = parameters.map((type, index) => new Local(index, type));
  }

  local(type: ValueType): Local {
    this.locals.push(type);
    return new Local(this.parameters.length + this.locals.length - 1, type);
  }

  /** Appends to the body. */
  code(...statements: Statement[]): void {
    this.body = [...this.body, ...statements.flat()];
  }

  bytes(): number[] {
    const declarations = this.locals.flatMap((type) => [1, typeBytes[type]]);
    const content = [...unsigned(this.locals.length), ...declarations, ...this.body, 0x0b];
    return [...unsigned(content.length), ...content];
  }
}

/** Straight-line code under construction: `let` names a value, so that it is computed once and can be used often. */
export class Steps {
  private readonly f: FunctionBuilder;
  private readonly statements: Statement[] = [];
  private readonly constants = new Map<string, { readonly local: Local; readonly code: Statement }>();

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  /** A vector that never changes: `before` makes it once, where each use would take several instructions. */
  once(value: Expression): Local {
    const key = value.code.join();
    const known = this.constants.get(key);
    if (known !== undefined) return known.local;
    const local = this.f.local("v128");
    this.constants.set(key, { local, code: local.set(value) });
    return local;
  }

  /** What belongs ahead of the loop that these steps are in. */
  before(): Statement {
    return [...this.constants.values()].flatMap(({ code }) => code);
  }

  let(value: Expression, type: ValueType = "v128"): Local {
    const local = this.f.local(type);
    this.statements.push(local.set(value));
    return local;
  }

  add(...statements: Statement[]): void {
    this.statements.push(...statements);
  }

  code(): Statement {
    return this.statements.flat();
  }
}

export class ModuleBuilder {
  private readonly functions: FunctionBuilder[] = [];

  /** Adds an exported function without results; its parameters are `f.parameters`. */
  function(name: string, parameters: readonly ValueType[]): FunctionBuilder {
    const f = new FunctionBuilder(name, parameters);
    this.functions.push(f);
    return f;
  }

  /** Calls a function of this module. */
  call(f: FunctionBuilder, ...operands: Expression[]): Statement {
    return [...operands.flatMap((operand) => operand.code), 0x10, ...unsigned(this.functions.indexOf(f))];
  }

  /** The binary; a module for a shared memory imports it as such. */
  bytes(shared = false): Uint8Array<ArrayBuffer> {
    const types = this.functions.map((f) => [
      0x60,
      ...unsigned(f.parameters.length),
      ...f.parameters.map((parameter) => typeBytes[parameter.type]),
      0,
    ]);
    const limits = shared ? [3, 0, ...unsigned(65536)] : [0, 0];
    const memory = [...name("env"), ...name("memory"), 2, ...limits];
    const exports = this.functions.map((f, index) => [...name(f.name), 0, ...unsigned(index)]);
    return new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, types),
      ...section(2, [memory]),
      ...section(
        3,
        this.functions.map((_, index) => unsigned(index)),
      ),
      ...section(7, exports),
      ...section(
        10,
        this.functions.map((f) => f.bytes()),
      ),
    ]);
  }

  instantiate(memory: WebAssembly.Memory): Record<string, (...values: number[]) => void> {
    return this.share(memory).functions;
  }

  /** As `instantiate`, with what other threads need to do the same. */
  share(memory: WebAssembly.Memory): SharedModule {
    const bytes = this.bytes(isShared(memory));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    return { id: instantiated++, bytes, functions: instance.exports as SharedModule["functions"] };
  }
}

/** A module that several threads instantiate over one memory. */
export interface SharedModule {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly functions: Record<string, (...values: number[]) => void>;
}

let instantiated = 0;

/** By tag: under jest the class is another realm's. */
export const isShared = (memory: WebAssembly.Memory): boolean =>
  Object.prototype.toString.call(memory.buffer) === "[object SharedArrayBuffer]";

function name(text: string): number[] {
  const bytes = [...text].map((character) => character.charCodeAt(0));
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  const content = [...unsigned(entries.length), ...entries.flat()];
  return [id, ...unsigned(content.length), ...content];
}
