/**
 * The state of lowering one function: the block that operations go to, what each variable holds, which exits are
 * pending; and the three constructs that everything else is made of: branches, loops, exits.
 */
import type ts from "typescript";
import {
  Builder,
  booleanType,
  type Ids,
  joined,
  type LoopOp,
  type Region,
  type Span,
  type Type,
  type Value,
} from "../../hir/index.ts";
import type { TypeHost, TypeScript } from "../host/index.ts";
import type { Types } from "../types/index.ts";
import type { ProgramContext } from "./context.ts";
import { Environment, type Exit, type Flag, type Variable } from "./environment.ts";

interface Branch {
  readonly region: Region;
  environment: Environment;
  value: Value | undefined;
}

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

export class Lowering {
  readonly context: ProgramContext;
  readonly host: TypeHost;
  readonly ts: TypeScript;
  readonly types: Types;
  readonly file: string;
  readonly root: ts.Node;
  readonly ids: Ids;
  /** Variables that live in boxes, here and in the function literals inside. */
  readonly boxed: ReadonlySet<ts.Symbol>;
  /** The function around this one, when that is being lowered too. */
  readonly parent: Lowering | undefined;
  /** Values of the enclosing function that this one reads, in order, with what stands for them here. */
  readonly captures = new Map<Variable, Value>();
  readonly captured: { readonly variable: Variable; readonly outer: Value; readonly inner: Value }[] = [];
  builder: Builder;
  environment = new Environment();
  readonly exits: Exit[] = [];
  /** Constants of mutable outer variables and the like may not be shared: the initialiser of a class writes `this`. */
  readonly initialiser: boolean;

  constructor(options: {
    context: ProgramContext;
    root: ts.Node;
    boxed: ReadonlySet<ts.Symbol>;
    parent?: Lowering;
    initialiser?: boolean;
  }) {
    this.context = options.context;
    this.host = options.context.host;
    this.ts = this.host.ts;
    this.types = options.context.types;
    this.root = options.root;
    this.file = options.root.getSourceFile().fileName;
    this.boxed = options.boxed;
    this.parent = options.parent;
    this.ids = options.parent?.ids ?? { next: 0 };
    this.initialiser = options.initialiser ?? false;
    this.builder = new Builder([], this.ids, this.host.span(options.root));
  }

  /** Operations made from here on belong to this node. */
  at(node: ts.Node): Builder {
    this.builder.span = this.host.span(node);
    return this.builder;
  }

  undefinedValue(): Value {
    return this.builder.const(undefined);
  }

  // --- exits -------------------------------------------------------------------------------------------------------

  /** Nothing that follows is reached. */
  get finished(): boolean {
    return this.environment.diverged || this.flag === true;
  }

  /** The flag of the innermost exit place. */
  get flag(): Flag {
    const innermost = this.exits.at(-1);
    return innermost === undefined ? false : (this.environment.flags.get(innermost) ?? false);
  }

  open(exit: Exit): Exit {
    this.exits.push(exit);
    this.environment.flags.set(exit, false);
    return exit;
  }

  close(exit: Exit): void {
    this.exits.pop();
    this.environment.flags.delete(exit);
  }

  leave(exit: Exit): void {
    for (let i = this.exits.length - 1; i >= 0; i -= 1) {
      const inner = this.exits[i]!;
      this.environment.flags.set(inner, true);
      if (inner === exit) return;
    }
  }

  diverge(): void {
    this.environment.diverged = true;
    // What is lowered after a throw (the rest of an expression) goes nowhere.
    this.builder = new Builder([], this.ids, this.builder.span);
  }

  /** Runs `rest` if nothing has left: now, or under a test of the pending flag. */
  proceed(rest: () => void): void {
    if (this.finished) return;
    const { flag } = this;
    if (typeof flag === "boolean") {
      rest();
      return;
    }
    const going = this.builder.prim("!", [flag], booleanType);
    const before = this.environment.flags;
    let ended = before;
    this.conditional(
      going,
      () => {
        // The innermost flag is set whenever an outer one is: where it is not, none is.
        for (const exit of this.exits) this.environment.flags.set(exit, false);
        rest();
        ended = this.environment.flags;
      },
      () => {},
    );
    if (this.environment.diverged) return;
    // Where the rest left for nowhere, the flags are what they were.
    for (const exit of this.exits) {
      if (ended !== before && ended.get(exit) === false) this.environment.flags.set(exit, before.get(exit) ?? false);
    }
  }

  // --- branches ----------------------------------------------------------------------------------------------------

  private inRegion(region: Region, environment: Environment, lower: () => Value | undefined): Branch {
    const { builder, environment: outer } = this;
    this.builder = new Builder(region.ops, this.ids, builder.span);
    this.environment = environment;
    const value = lower();
    if (this.environment.diverged) region.diverges = true;
    const branch = { region, environment: this.environment, value };
    this.builder = builder;
    this.environment = outer;
    return branch;
  }

  private branch(lower: () => Value | undefined): Branch {
    return this.inRegion({ params: [], ops: [], results: [] }, this.environment.copy(), lower);
  }

  private resume(branch: Branch, lower: () => void): void {
    const { environment } = this.inRegion(branch.region, branch.environment, () => {
      lower();
      return undefined;
    });
    branch.environment = environment;
  }

  private finishedIn(branch: Branch): boolean {
    const innermost = this.exits.at(-1);
    return branch.environment.diverged || (innermost !== undefined && branch.environment.flags.get(innermost) === true);
  }

  /**
   * `if`: both sides from the same state, then what differs is merged. When just one side goes on, `rest` (the
   * statements that follow) is lowered into it; the answer tells whether that happened.
   */
  conditional(condition: Value, then: () => void, otherwise: () => void, rest?: () => void): boolean {
    return this.choose(
      condition,
      () => {
        then();
        return undefined;
      },
      () => {
        otherwise();
        return undefined;
      },
      rest,
    ).consumed;
  }

  /** `a ? b : c`. */
  select(condition: Value, then: () => Value, otherwise: () => Value, type: Type): Value {
    return this.choose(condition, then, otherwise, undefined, type).value ?? this.undefinedValue();
  }

  private choose(
    condition: Value,
    then: () => Value | undefined,
    otherwise: () => Value | undefined,
    rest: (() => void) | undefined,
    type?: Type,
  ): { value: Value | undefined; consumed: boolean } {
    const { span } = this.builder;
    const a = this.branch(then);
    // A side that goes on alone takes the rest with it, `else if` chains included.
    const movable = rest !== undefined && !a.environment.diverged && this.finishedIn(a);
    let consumed = false;
    const b = this.branch(() => {
      const value = otherwise();
      if (movable && !this.finished) {
        consumed = true;
        this.proceed(rest);
      }
      return value;
    });
    if (rest !== undefined && !consumed && !b.environment.diverged && this.finishedIn(b) && !this.finishedIn(a)) {
      consumed = true;
      this.resume(a, () => this.proceed(rest));
    }
    if (movable) consumed = true;
    this.builder.span = span;
    const value = this.merge(condition, a, b, type);
    return { value, consumed };
  }

  private merge(condition: Value, a: Branch, b: Branch, type: Type | undefined): Value | undefined {
    const before = this.environment;
    const results: Value[] = [];
    const after = before.copy();
    const sides = [a, b].filter((side) => !side.environment.diverged);
    const join = (va: Value, vb: Value, name: string | undefined, joinedType: (() => Type) | undefined): Value => {
      if (!a.environment.diverged) a.region.results.push(va);
      if (!b.environment.diverged) b.region.results.push(vb);
      const merged = this.builder.value(joinedType?.() ?? (va === vb ? va.type : joined(va.type, vb.type)), name);
      results.push(merged);
      return merged;
    };
    let value: Value | undefined;
    if (sides.length > 0) {
      const first = sides[0]!.environment;
      const second = sides.at(-1)!.environment;
      for (const variable of before.variables.keys()) {
        const va = first.variables.get(variable)!;
        const vb = second.variables.get(variable)!;
        if (va === vb && va === before.variables.get(variable)) continue;
        const merged = join(va, vb, this.nameOf(variable), () => this.mergedType(variable, va, vb));
        after.variables.set(variable, merged);
      }
      for (const exit of before.flags.keys()) {
        const fa = first.flags.get(exit)!;
        const fb = second.flags.get(exit)!;
        if (fa === fb && (typeof fa === "boolean" || fa === before.flags.get(exit))) after.flags.set(exit, fa);
        else {
          const merged = join(
            this.materialise(sides[0]!, fa),
            this.materialise(sides.at(-1)!, fb),
            "done",
            () => booleanType,
          );
          after.flags.set(exit, merged);
        }
      }
      for (const exit of this.exits) {
        const ra = first.results.get(exit);
        const rb = second.results.get(exit);
        if (ra === undefined && rb === undefined) continue;
        if (ra === rb && ra === before.results.get(exit)) continue;
        const va = ra ?? this.placeholder(sides[0]!, exit);
        const vb = rb ?? this.placeholder(sides.at(-1)!, exit);
        after.results.set(exit, join(va, vb, "result", exit.result === undefined ? undefined : () => exit.result!));
      }
      const wa = sides[0]!.value;
      const wb = sides.at(-1)!.value;
      if (wa !== undefined && wb !== undefined)
        value = join(wa, wb, undefined, type === undefined ? undefined : () => type);
    } else after.diverged = true;
    // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
    this.builder.emit({ kind: "if", condition, then: a.region, else: b.region, span: this.builder.span, results });
    this.environment = after;
    if (after.diverged) this.diverge();
    return value;
  }

  /** A flag as a value inside a branch. */
  private materialise(branch: Branch, flag: Flag): Value {
    if (typeof flag !== "boolean") return flag;
    return new Builder(branch.region.ops, this.ids, this.builder.span).const(flag, booleanType);
  }

  /** What stands for a function's result where it has not returned yet; never read. */
  private placeholder(branch: Branch, exit: Exit): Value {
    return placeholder(new Builder(branch.region.ops, this.ids, this.builder.span), exit);
  }

  nameOf(variable: Variable): string | undefined {
    if (variable === "this") return undefined;
    if ("temporary" in variable) return variable.temporary;
    return (variable as ts.Symbol).name;
  }

  typeOf(variable: Variable): Type {
    if (variable === "this") return this.environment.variables.get("this")!.type;
    if ("temporary" in variable) return variable.type;
    return this.types.ofSymbol(variable as ts.Symbol);
  }

  private mergedType(variable: Variable, a: Value, b: Value): Type {
    if (variable !== "this" && "temporary" in variable) return variable.type;
    if (variable === "this" || this.boxed.has(variable as ts.Symbol)) return a.type;
    const declared = this.typeOf(variable);
    return declared.kind === "unknown" ? joined(a.type, b.type) : declared;
  }

  // --- loops -------------------------------------------------------------------------------------------------------

  loop(shape: LoopShape): void {
    const before = this.environment;
    const { span } = shape;
    this.builder.span = span;
    const variables = [...new Set(shape.assigned)].filter((v) => before.variables.has(v) && !this.isBoxed(v));
    const places = this.carriedPlaces(shape.outer);
    const returning = places.filter((exit) => exit.kind === "function");
    const flagsStart = variables.length;
    const initial: Value[] = variables.map((v) => before.variables.get(v)!);
    const types: Type[] = variables.map((v, i) => this.mergedType(v, initial[i]!, initial[i]!));
    for (const _ of places) {
      initial.push(this.builder.const(false, booleanType));
      types.push(booleanType);
    }
    for (const exit of returning) {
      const start = before.results.get(exit) ?? placeholder(this.builder, exit);
      initial.push(start);
      types.push(exit.result ?? start.type);
    }
    const names = [
      ...variables.map((v) => this.nameOf(v)),
      ...places.map(() => "done"),
      ...returning.map(() => "result"),
    ];
    const fresh = () => types.map((type, i) => this.builder.value(type, names[i]));
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
    const index = counted === undefined ? undefined : this.builder.value(intType, counted.name ?? "i");
    const body: Region = { params: index === undefined ? params : [index, ...params], ops: [], results: [] };
    let hasBreak = false;
    this.inRegion(body, enter(params), () => {
      const exit = this.open({ kind: "break", labels: shape.labels ?? [] });
      shape.body(index, exit);
      const left = this.environment.flags.get(exit) ?? false;
      this.close(exit);
      if (this.environment.diverged) return undefined;
      this.builder.span = span;
      const { environment, builder } = this;
      for (const v of variables) body.results.push(environment.variables.get(v)!);
      for (const place of places) {
        const flag = environment.flags.get(place) ?? false;
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
      const { value } = this.inRegion(test, enter(testParams), shape.test);
      test.results.push(value!);
    }
    const results = fresh();
    this.builder.span = span;
    // A loop that nothing ends but a throw: its body diverges or it runs for ever.
    const endless = test === undefined && counted === undefined && !hasBreak;
    if (endless && body.diverges !== true) {
      body.results.push(new Builder(body.ops, this.ids, span).const(true, booleanType));
    }
    this.builder.emit({
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
      after.flags.set(exit, results[flagsStart + i]!);
    });
    returning.forEach((exit, i) => {
      after.results.set(exit, results[flagsStart + places.length + i]!);
    });
    this.environment = after;
  }

  /** The places that exits to `outer` leave on their way. */
  private carriedPlaces(outer: readonly Exit[]): Exit[] {
    const outermost = Math.min(
      this.exits.length,
      ...outer.map((exit) => this.exits.indexOf(exit)).filter((i) => i >= 0),
    );
    return this.exits.slice(outermost);
  }

  // --- variables ---------------------------------------------------------------------------------------------------

  isBoxed(variable: Variable): boolean {
    return variable !== "this" && !("temporary" in variable) && this.boxed.has(variable as ts.Symbol);
  }

  /** What stands for a variable here: its value, or its box; undefined for variables of functions not being lowered. */
  raw(variable: Variable): Value | undefined {
    const own = this.environment.variables.get(variable) ?? this.captures.get(variable);
    if (own !== undefined) return own;
    const outer = this.parent?.raw(variable);
    if (outer === undefined) return undefined;
    const inner = this.builder.value(outer.type, outer.name ?? (variable === "this" ? "this" : this.nameOf(variable)));
    this.captures.set(variable, inner);
    this.captured.push({ variable, outer, inner });
    return inner;
  }

  read(variable: Variable): Value | undefined {
    const value = this.raw(variable);
    if (value === undefined || !this.isBoxed(variable)) return value;
    return this.builder.load(value, "value", { type: this.typeOf(variable), name: this.nameOf(variable)! });
  }

  declare(variable: Variable, value: Value): void {
    if (!this.isBoxed(variable)) {
      this.environment.variables.set(variable, value);
      return;
    }
    const type = this.typeOf(variable);
    const fields = new Map([["value", type]]);
    const box = this.builder.object(
      [{ key: "value", value }],
      { kind: "struct", name: "{ value }", fields: () => fields },
      this.nameOf(variable),
    );
    this.environment.variables.set(variable, box);
  }

  /** Answers false for variables that do not belong to the functions being lowered. */
  assign(variable: Variable, value: Value): boolean {
    if (this.isBoxed(variable)) {
      const box = this.raw(variable);
      if (box === undefined) return false;
      this.builder.store(box, "value", value);
      return true;
    }
    if (!this.environment.variables.has(variable)) return false;
    this.environment.variables.set(variable, value);
    return true;
  }

  /** Gives a value that has no name yet the name of the variable that holds it. */
  named(value: Value, name: string): Value {
    if (value.name === undefined) (value as { name?: string }).name = name;
    return value;
  }
}

const intType: Type = { kind: "inert", text: "Int" };

function placeholder(builder: Builder, exit: Exit): Value {
  return exit.result?.kind === "number" ? builder.const(0, exit.result) : builder.const(undefined);
}
