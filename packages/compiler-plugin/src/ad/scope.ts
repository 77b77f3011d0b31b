/**
 * The reverse sweep's variables while it is being built. An adjoint is assigned many times; a scope gives each its
 * current SSA value, merges the branches of a reversed `if` and finds out what a reversed loop carries.
 */
import { Builder, type Ids, isNumeric, type Region, type Span, type Type, type Value } from "../hir/index.ts";

/** An assignable quantity of the reverse sweep: the adjoint of a value, or a position in the stacks. */
export interface Variable {
  readonly type: Type;
  readonly name: string | undefined;
  /** Where it lives; inner scopes read and assign it through their parents. */
  readonly home: Scope;
}

export class Scope {
  readonly builder: Builder;
  readonly region: Region;
  private readonly parent: Scope | undefined;
  private readonly loop: boolean;
  private readonly current = new Map<Variable, Value | undefined>();
  private readonly assigned = new Set<Variable>();
  /** What a loop's body received for a variable that it reads before assigning it. */
  private readonly entering = new Map<Variable, Value>();
  /** Values that a loop turned out not to change, and what they are outside; shared by all scopes of a sweep. */
  readonly unchanged: Map<Value, Value>;

  constructor(ids: Ids, parent?: Scope, loop = false) {
    this.region = { params: [], ops: [], results: [] };
    this.builder = new Builder(this.region.ops, ids, parent?.builder.span);
    this.parent = parent;
    this.loop = loop;
    this.unchanged = parent?.unchanged ?? new Map();
  }

  /** The current value; undefined while it is the symbolic zero. */
  get(v: Variable): Value | undefined {
    if (this.current.has(v)) return this.current.get(v);
    if (v.home === this || this.parent === undefined) return undefined;
    if (!this.loop) return this.parent.get(v);
    const param = this.builder.value(v.type, v.name);
    this.entering.set(v, param);
    this.current.set(v, param);
    return param;
  }

  set(v: Variable, value: Value | undefined): void {
    this.current.set(v, value);
    this.assigned.add(v);
  }

  zero(type: Type): Value {
    return isNumeric(type) ? this.builder.const(0) : this.builder.const(undefined, type);
  }

  value(v: Variable): Value {
    return this.get(v) ?? this.zero(v.type);
  }

  private outer(): Variable[] {
    return [...this.assigned].filter((v) => v.home !== this);
  }

  /** A reversed `if`. */
  branch(condition: Value, then: (s: Scope) => void, otherwise: (s: Scope) => void): void {
    const scopes = [new Scope(this.builder.ids, this), new Scope(this.builder.ids, this)] as const;
    for (const s of scopes) s.builder.span = this.builder.span;
    then(scopes[0]);
    otherwise(scopes[1]);
    const changed = [...new Set([...scopes[0].outer(), ...scopes[1].outer()])];
    for (const s of scopes) s.region.results = changed.map((v) => s.value(v));
    const results = changed.map((v) => this.builder.value(v.type, v.name));
    this.builder.emit({
      kind: "if",
      condition,
      // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
      then: scopes[0].region,
      else: scopes[1].region,
      span: this.builder.span,
      results,
    });
    changed.forEach((v, i) => {
      this.set(v, results[i]);
    });
  }

  /** A counted loop, downwards from `from` to `to` by `step`. */
  countDown(
    from: Value,
    to: Value,
    step: number,
    index: { type: Type; name: string | undefined },
    body: (s: Scope, index: Value) => void,
  ): void {
    const inner = new Scope(this.builder.ids, this, true);
    inner.builder.span = this.builder.span;
    const i = inner.builder.value(index.type, index.name);
    body(inner, i);
    const carried: Variable[] = [];
    for (const v of new Set([...inner.entering.keys(), ...inner.outer()])) {
      const entered = inner.entering.get(v);
      if (entered === undefined || inner.current.get(v) !== entered) carried.push(v);
      else this.unchanged.set(entered, this.value(v));
    }
    const initial = carried.map((v) => this.value(v));
    inner.region.params.push(i, ...carried.map((v) => inner.entering.get(v) ?? inner.builder.value(v.type, v.name)));
    inner.region.results = carried.map((v) => inner.value(v));
    const results = carried.map((v) => this.builder.value(v.type, v.name));
    this.builder.emit({
      kind: "loop",
      initial,
      counted: { start: from, end: to, comparison: step < 0 ? ">=" : "<=", step },
      testAfter: false,
      body: inner.region,
      hasBreak: false,
      span: this.builder.span,
      results,
    });
    carried.forEach((v, k) => {
      this.set(v, results[k]);
    });
  }
}

/** Where generated code of the reverse sweep says it comes from. */
export function at(scope: Scope, span: Span): void {
  scope.builder.span = span;
}
