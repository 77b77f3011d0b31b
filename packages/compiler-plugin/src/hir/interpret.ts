/** Runs HIR directly on JavaScript values: the yardstick for lowering, differentiation and optimisation in tests. */
import { caughtBy } from "./kinds.ts";
import type { Callee, HirFunction, Op, Program, Region, SweepOp, Value } from "./types.ts";

export interface Environment {
  /** HIR of known callees. */
  readonly program?: Pick<Program, "lower">;
  /** The value of an expression at module scope: globals, classes, registered and inert functions. Default: `eval` of ambient names. */
  readonly resolve?: (text: string, file: string) => any;
  /** What `$pb` offers, for derived functions. */
  readonly runtime?: Readonly<Record<string, (...args: any[]) => any>>;
  readonly sweep?: (op: SweepOp, args: any[]) => any;
  /** Operations after which a run is given up; default 10 million. */
  readonly limit?: number;
}

class Diverged {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

const binary: Record<string, (a: any, b: any) => any> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "**": (a, b) => a ** b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "===": (a, b) => a === b,
  "!==": (a, b) => a !== b,
  // biome-ignore lint/suspicious/noDoubleEquals: the operator of the interpreted program
  "==": (a, b) => a == b,
  // biome-ignore lint/suspicious/noDoubleEquals: the operator of the interpreted program
  "!=": (a, b) => a != b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
  ">>>": (a, b) => a >>> b,
  "&&": (a, b) => a && b,
  "||": (a, b) => a || b,
  "??": (a, b) => a ?? b,
  in: (a, b) => a in b,
  instanceof: (a, b) => a instanceof b,
};

const unary: Record<string, (a: any) => any> = {
  neg: (a) => -a,
  "-": (a) => -a,
  "+": (a) => +a,
  "!": (a) => !a,
  "~": (a) => ~a,
  typeof: (a) => typeof a,
  void: () => undefined,
};

/** Calls a function on JavaScript values; the receiver of a method is the first argument. */
export function interpret(
  fn: HirFunction,
  args: readonly unknown[],
  environment: Environment = {},
  captured: readonly unknown[] = [],
): any {
  let budget = environment.limit ?? 10_000_000;
  const resolve = environment.resolve ?? ((text: string) => new Function(`return (${text});`)());

  const run = (f: HirFunction, actual: readonly unknown[], captures: readonly unknown[]): any => {
    const env = new Map<Value, any>();
    f.params.forEach((p, i) => {
      env.set(p, i === f.rest ? actual.slice(i) : actual[i]);
    });
    f.captures.forEach((c, i) => {
      env.set(c, captures[i]);
    });
    return region(f.body, env)[0];
  };

  const region = (r: Region, env: Map<Value, any>): any[] => {
    for (const op of r.ops) {
      if (--budget < 0) throw new Error("The interpreted program does not end.");
      const results = operation(op, env);
      op.results.forEach((v, i) => {
        env.set(v, results[i]);
      });
    }
    return r.results.map((v) => read(v, env));
  };

  const read = (v: Value, env: Map<Value, any>): any => {
    if (!env.has(v)) throw new Error(`%${v.name ?? ""}${v.id} is read before it is defined`);
    return env.get(v);
  };

  const spreadOut = (values: readonly Value[], spread: readonly boolean[] | undefined, env: Map<Value, any>): any[] =>
    values.flatMap((v, i) => (spread?.[i] === true ? [...read(v, env)] : [read(v, env)]));

  const call = (callee: Callee, actual: any[]): any => {
    switch (callee.kind) {
      case "known": {
        if (environment.program === undefined) throw new Error(`no program to find ${callee.key} in`);
        return run(environment.program.lower(callee.key), actual, []);
      }
      case "dynamic":
        return actual[0][callee.method](...actual.slice(1));
      case "value":
        return actual[0](...actual.slice(1));
      case "registered":
      case "inert":
        return callee.method === undefined
          ? resolve(callee.text, callee.file)(...actual)
          : actual[0][callee.method](...actual.slice(1));
    }
  };

  /** The result; for an operation that catches, also whether it threw, and what. */
  const attempt = (op: Op, evaluate: () => any): any[] => {
    if (caughtBy(op) === undefined) return [evaluate()];
    try {
      return [evaluate(), false, undefined];
    } catch (error) {
      return [op.kind === "sweep" ? {} : undefined, true, error];
    }
  };

  const operation = (op: Op, env: Map<Value, any>): any[] => {
    const get = (v: Value) => read(v, env);
    const slot = (k: { kind: "field"; name: string } | { kind: "index"; index: Value }) =>
      k.kind === "field" ? k.name : get(k.index);
    switch (op.kind) {
      case "const":
        return [op.value];
      case "global":
        return [resolve(op.text, op.file)];
      case "prim":
        return [
          op.args.length === 1 ? unary[op.op]!(get(op.args[0]!)) : binary[op.op]!(get(op.args[0]!), get(op.args[1]!)),
        ];
      case "math":
        return [(Math as any)[op.fn](...op.args.map(get))];
      case "array": {
        const elements = spreadOut(op.elements, op.spread, env);
        const type = op.results[0]!.type;
        return [
          type.kind === "array" && type.typed !== undefined ? (globalThis as any)[type.typed].from(elements) : elements,
        ];
      }
      case "object": {
        const object: any = {};
        for (const e of op.entries) {
          if (e.key === undefined) Object.assign(object, get(e.value));
          else object[e.key] = get(e.value);
        }
        return [object];
      }
      case "newArray": {
        const type = op.results[0]!.type;
        const length = get(op.length);
        const made =
          type.kind === "array" && type.typed !== undefined
            ? new (globalThis as any)[type.typed](length)
            : new Array(length);
        return [op.fill === undefined ? made : made.fill(get(op.fill))];
      }
      case "allocate":
        return [Object.create(resolve(op.classText, op.file).prototype)];
      case "new":
        return [new (resolve(op.classText, op.file))(...op.args.map(get))];
      case "load": {
        const object = get(op.object);
        return [
          object instanceof Map && op.key.kind === "index" ? object.get(get(op.key.index)) : object[slot(op.key)],
        ];
      }
      case "store":
        {
          const object = get(op.object);
          if (object instanceof Map && op.key.kind === "index") object.set(get(op.key.index), get(op.value));
          else object[slot(op.key)] = get(op.value);
        }
        return [];
      case "cursor":
        return [{ at: op.array === undefined ? 0 : get(op.array).length }];
      case "push": {
        const cursor = op.cursor === undefined ? undefined : get(op.cursor);
        get(op.array)[cursor?.at ?? get(op.array).length] = get(op.value);
        if (op.moves === true) cursor.at++;
        return [];
      }
      case "pop": {
        if (op.cursor === undefined) return [get(op.array).pop()];
        const cursor = get(op.cursor);
        if (op.moves === true) cursor.at--;
        return [get(op.array)[cursor.at]];
      }
      case "call":
        return attempt(op, () => call(op.callee, spreadOut(op.args, op.spread, env)));
      case "closure": {
        const captures = op.captures.map(get);
        return [(...actual: unknown[]) => run(op.function, actual, captures)];
      }
      case "opaque": {
        const names = op.operands.map((_, i) => `$${i}`);
        const text = op.parts.map((p, i) => p + (i < names.length ? `(${names[i]})` : "")).join("");
        const values = op.operands.map(get);
        const isStatement = op.results.length === (op.catches === true ? 2 : 0);
        if (isStatement) return attempt(op, () => new Function(...names, text)(...values)).slice(1);
        return attempt(op, () => new Function(...names, `return (${text});`)(...values));
      }
      case "throw":
        throw new Diverged(get(op.value));
      case "if":
        return region(get(op.condition) ? op.then : op.else, env);
      case "loop":
        return loop(op, env);
      case "runtime": {
        const f = environment.runtime?.[op.fn];
        if (f === undefined) throw new Error(`no run-time function ${op.fn}`);
        return [f(...op.args.map(get))];
      }
      case "sweep": {
        const actual = op.args.map(get);
        if (op.variant !== undefined) return attempt(op, () => get(op.variant!)[op.sweep](...actual));
        const { sweep } = environment;
        if (sweep === undefined) throw new Error("no derivatives to run a sweep of");
        return attempt(op, () => sweep(op, actual));
      }
    }
  };

  const loop = (op: Extract<Op, { kind: "loop" }>, env: Map<Value, any>): any[] => {
    let carried = op.initial.map((v) => read(v, env));
    let index = op.counted === undefined ? 0 : read(op.counted.start, env);
    const end = op.counted === undefined ? 0 : read(op.counted.end, env);
    const tested = (): boolean => {
      if (op.test === undefined) return true;
      op.test.params.forEach((p, i) => {
        env.set(p, carried[i]);
      });
      return Boolean(region(op.test, env)[0]);
    };
    for (let first = true; ; first = false) {
      if (op.counted !== undefined && !binary[op.counted.comparison]!(index, end)) break;
      if (!(op.testAfter && first) && !tested()) break;
      const values = op.counted === undefined ? carried : [index, ...carried];
      op.body.params.forEach((p, i) => {
        env.set(p, values[i]);
      });
      const results = region(op.body, env);
      carried = results.slice(0, carried.length);
      if (op.counted !== undefined) index += op.counted.step;
      if (op.hasBreak && !results[carried.length]) break;
    }
    return carried;
  };

  try {
    return run(fn, args, captured);
  } catch (error) {
    if (error instanceof Diverged) throw error.value;
    throw error;
  }
}
