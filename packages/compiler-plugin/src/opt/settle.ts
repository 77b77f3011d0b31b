/**
 * Code that does not throw: an exception leaves as a value. A region gets two results more, whether something was thrown
 * and what; what follows an operation that may throw stands in the other branch of an `if`; a loop is left, and says the
 * same of itself. So a derivative has a record of everything that was done before.
 */
import { mayThrow } from "../analysis/index.ts";
import {
  Builder,
  booleanType,
  type Ids,
  type LoopOp,
  type Op,
  type Program,
  passing,
  type Region,
  type Type,
  type Value,
} from "../hir/index.ts";

/** The diagnostic where an active value comes out of an exception. */
export const caughtValue = {
  code: "PB4005",
  message: "An active value is read from a caught exception.",
  hint: "Return what is needed instead of throwing it, or stop the derivative with withoutDerivative(…).",
};

/** What was thrown: anything. */
const errorType: Type = { kind: "inert", text: "caught" };

/** The region with the results `[…results, thrown, error]`; `types` are those of its results, also where it never gets there. */
export function settle(region: Region, types: readonly Type[], program: Pick<Program, "lower">, ids: Ids): Region {
  return new Settling(program, ids).region(region, (b) => types.map((type) => nothing(b, type)));
}

/** A number is thrown as something that has no derivative. */
function asError(b: Builder, value: Value): Value {
  const kind = passing(value.type);
  if (kind === "-" || kind === "r") return value;
  return b.opaque(["", ""], [value], caughtValue, { type: errorType }) as Value;
}

/** What stands for a result that there is none of. */
function nothing(b: Builder, type: Type): Value {
  return type.kind === "number" ? b.const(0, type) : b.const(undefined);
}

/** Makes the results of a region that was left early. */
type Instead = (b: Builder) => readonly Value[];

class Settling {
  private readonly program: Pick<Program, "lower">;
  private readonly ids: Ids;

  constructor(program: Pick<Program, "lower">, ids: Ids) {
    this.program = program;
    this.ids = ids;
  }

  region(region: Region, instead: Instead): Region {
    const ops: Op[] = [];
    const results = this.sequence(region, 0, ops, instead);
    return { params: region.params, ops, results };
  }

  /** The operations from number `from` on; answers with the results, `thrown` and `error`. */
  private sequence(region: Region, from: number, into: Op[], instead: Instead): Value[] {
    for (let i = from; i < region.ops.length; i++) {
      const op = region.ops[i] as Op;
      const b = new Builder(into, this.ids, op.span);
      if (op.kind === "throw") return [...instead(b), b.const(true, booleanType), asError(b, op.value)];
      if (!mayThrow({ params: [], ops: [op], results: [] }, this.program)) {
        into.push(op);
        continue;
      }
      const thrown = b.value(booleanType, "thrown");
      const error = b.value(errorType, "error");
      const settled = this.caught(b, op, thrown, error);
      into.push(settled);
      return this.unlessThrown(b, { thrown, error }, region, i + 1, instead);
    }
    const b = new Builder(into, this.ids, region.ops.at(-1)?.span);
    if (region.diverges === true) return [...instead(b), b.const(true, booleanType), b.const(undefined, errorType)];
    return [...region.results, b.const(false, booleanType), b.const(undefined, errorType)];
  }

  private caught(b: Builder, op: Op, thrown: Value, error: Value): Op {
    if (op.kind === "if") {
      const branch = (r: Region) => this.region(r, (s) => op.results.map(({ type }) => nothing(s, type)));
      // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
      return { ...op, then: branch(op.then), else: branch(op.else), results: [...op.results, thrown, error] };
    }
    if (op.kind === "loop") return this.loop(b, op, thrown, error);
    if (op.kind === "call" || op.kind === "opaque")
      return { ...op, catches: true, results: [...op.results, thrown, error] };
    throw new Error(`Compiler defect: an operation ${op.kind} throws`);
  }

  /** A loop carries besides whether something was thrown, and ends where it was. */
  private loop(before: Builder, op: LoopOp, thrown: Value, error: Value): LoopOp {
    const fresh = ({ type, name }: Value): Value => ({
      id: this.ids.next++,
      type,
      ...(name === undefined ? {} : { name }),
    });
    const own = () => [fresh(thrown), fresh(error)];
    const first = op.counted === undefined ? 0 : 1;
    const carried = op.body.params.slice(first);
    // What was carried by then is not read any more.
    const inner = this.region(op.body, (b) => [...carried, ...(op.hasBreak ? [b.const(false, booleanType)] : [])]);
    const [left, what] = inner.results.slice(-2) as [Value, Value];
    const results = inner.results.slice(0, -2);
    const b = new Builder(inner.ops, this.ids, op.span);
    const again = op.hasBreak ? (results.pop() as Value) : b.prim("!", [left], booleanType);
    return {
      ...op,
      initial: [...op.initial, before.const(false, booleanType), before.const(undefined, errorType)],
      body: { ...inner, params: [...op.body.params, ...own()], results: [...results, left, what, again] },
      ...(op.test === undefined ? {} : { test: { ...op.test, params: [...op.test.params, ...own()] } }),
      hasBreak: true,
      results: [...op.results, thrown, error],
    };
  }

  private unlessThrown(
    b: Builder,
    { thrown, error }: { thrown: Value; error: Value },
    region: Region,
    from: number,
    instead: Instead,
  ): Value[] {
    const rest: Region = { params: [], ops: [], results: [] };
    rest.results = this.sequence(region, from, rest.ops, instead);
    const left: Region = { params: [], ops: [], results: [] };
    const inner = new Builder(left.ops, this.ids, b.span);
    left.results = [...instead(inner), inner.const(true, booleanType), error];
    const results = rest.results.map((v) => b.value(v.type, v.name));
    // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
    b.emit({ kind: "if", condition: thrown, then: left, else: rest, span: b.span, results });
    return results;
  }
}
