/** The one loop that all loops become: what the body assigns is carried, and so is how it is left. */
import {
  Builder,
  booleanType,
  intType,
  type LoopOp,
  type Region,
  type Span,
  type Type,
  type Value,
} from "../../hir/index.ts";
import type { Environment, Exit, Variable } from "./environment.ts";
import type { Lowering } from "./lowering.ts";
import { placeholder } from "./merge.ts";

export interface LoopShape {
  readonly span: Span;
  /** What the body may assign, from a syntactic scan. */
  readonly assigned: Iterable<Variable>;
  /** Whether control may leave the loop for a place further out, and for which. */
  readonly outer: readonly Exit[];
  readonly labels?: readonly string[];
  readonly counted?: LoopOp["counted"] & { readonly name?: string };
  /** Pure: lowered into the test region. */
  readonly test?: () => Value;
  readonly testAfter?: boolean;
  body(index: Value | undefined, exit: Exit): void;
}

export function structuredLoop(s: Lowering, shape: LoopShape): void {
  const before = s.environment;
  const { span } = shape;
  s.builder.span = span;
  const variables = [...new Set(shape.assigned)].filter((v) => before.variables.has(v) && !s.isBoxed(v));
  // Inside a try, any loop may be left for the handler.
  const handler = s.handler();
  const places = carriedPlaces(s, handler === undefined ? shape.outer : [...shape.outer, handler]);
  const returning = places.filter((exit) => exit.kind === "function" || exit.kind === "catch");
  const flagsStart = variables.length;
  const initial: Value[] = variables.map((v) => before.variables.get(v)!);
  const types: Type[] = variables.map((v, i) => s.mergedType(v, initial[i]!, initial[i]!));
  for (const _ of places) {
    initial.push(s.builder.const(false, booleanType));
    types.push(booleanType);
  }
  for (const exit of returning) {
    const start = before.results.get(exit) ?? placeholder(s.builder, exit);
    initial.push(start);
    types.push(exit.result ?? start.type);
  }
  const names = [...variables.map((v) => s.nameOf(v)), ...places.map(() => "done"), ...returning.map(() => "result")];
  const fresh = () => types.map((type, i) => s.builder.value(type, names[i]));
  const enter = (params: readonly Value[]): Environment => {
    const environment = before.copy();
    variables.forEach((v, i) => {
      environment.variables.set(v, params[i]!);
    });
    for (const exit of places) environment.flags.set(exit, false);
    returning.forEach((exit, i) => {
      environment.results.set(exit, params[flagsStart + places.length + i]!);
    });
    return environment;
  };
  const { counted } = shape;
  const params = fresh();
  const index = counted === undefined ? undefined : s.builder.value(intType, counted.name ?? "i");
  const body: Region = { params: index === undefined ? params : [index, ...params], ops: [], results: [] };
  let hasBreak = false;
  /** Places for which nothing in the body leaves. */
  const stays = new Set<Exit>();
  s.inRegion(body, enter(params), () => {
    const mark = s.guards.mark;
    const exit = s.open({ kind: "break", labels: shape.labels ?? [] });
    shape.body(index, exit);
    s.guards.close(mark);
    const left = s.environment.flags.get(exit) ?? false;
    s.close(exit);
    if (s.environment.diverged) return undefined;
    s.builder.span = span;
    const { environment, builder } = s;
    for (const v of variables) body.results.push(environment.variables.get(v)!);
    for (const place of places) {
      const flag = environment.flags.get(place) ?? false;
      if (flag === false) stays.add(place);
      body.results.push(typeof flag === "boolean" ? builder.const(flag, booleanType) : flag);
    }
    for (const place of returning) body.results.push(environment.results.get(place)!);
    hasBreak = left !== false;
    if (hasBreak) {
      body.results.push(
        typeof left === "boolean" ? builder.const(!left, booleanType) : builder.prim("!", [left], booleanType),
      );
    }
    return undefined;
  });
  let test: Region | undefined;
  if (shape.test !== undefined) {
    const testParams = fresh();
    test = { params: testParams, ops: [], results: [] };
    const { value } = s.inRegion(test, enter(testParams), shape.test);
    test.results.push(value!);
  }
  const results = fresh();
  s.builder.span = span;
  // A loop that nothing ends but a throw: its body diverges or it runs for ever.
  const endless = test === undefined && counted === undefined && !hasBreak;
  if (endless && body.diverges !== true) {
    body.results.push(new Builder(body.ops, s.ids, span).const(true, booleanType));
  }
  s.builder.emit({
    kind: "loop",
    initial,
    ...(counted === undefined
      ? {}
      : { counted: { start: counted.start, end: counted.end, comparison: counted.comparison, step: counted.step } }),
    ...(test === undefined ? {} : { test }),
    testAfter: shape.testAfter ?? false,
    body,
    hasBreak: hasBreak || endless,
    ...(shape.labels?.[0] === undefined ? {} : { label: shape.labels[0] }),
    span,
    results,
  });
  const after = before.copy();
  variables.forEach((v, i) => {
    after.variables.set(v, results[i]!);
  });
  places.forEach((exit, i) => {
    after.flags.set(exit, stays.has(exit) ? false : results[flagsStart + i]!);
  });
  returning.forEach((exit, i) => {
    after.results.set(exit, results[flagsStart + places.length + i]!);
  });
  s.environment = after;
  s.guards.settle();
}

/** The places that exits to `outer` leave on their way. */
function carriedPlaces(s: Lowering, outer: readonly Exit[]): Exit[] {
  const outermost = Math.min(s.exits.length, ...outer.map((exit) => s.exits.indexOf(exit)).filter((i) => i >= 0));
  return s.exits.slice(outermost);
}
