/**
 * The state of lowering one function: the block that operations go to, what each variable holds, which exits are
 * pending; and the three constructs that everything else is made of: branches, loops, exits.
 */
import type ts from "typescript";
import {
  type Builder,
  booleanType,
  type Ids,
  joined,
  type Op,
  type Region,
  type Type,
  type Value,
} from "../../hir/index.ts";
import type { TypeHost, TypeScript } from "../host/index.ts";
import type { Types } from "../types/index.ts";
import type { ProgramContext } from "./context.ts";
import { Environment, type Exit, type Flag, type Variable } from "./environment.ts";
import { GuardingBuilder, Guards } from "./guards.ts";
import { type Branch, merge } from "./merge.ts";
import { type LoopShape, structuredLoop } from "./structured-loop.ts";

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
  readonly guards: Guards = new Guards(this);
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
    this.builder = new GuardingBuilder(this, [], this.ids, this.host.span(options.root));
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

  /** Where exceptions go, if not to the caller. */
  handler(): Exit | undefined {
    return this.exits.findLast(({ kind }) => kind === "catch");
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
    this.buildInto([]);
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

  /** Operations go to another list from here on. */
  buildInto(ops: Op[]): void {
    this.builder = new GuardingBuilder(this, ops, this.ids, this.builder.span);
  }

  inRegion(region: Region, environment: Environment, lower: () => Value | undefined): Branch {
    const { builder, environment: outer } = this;
    const { mark } = this.guards;
    this.buildInto(region.ops);
    this.environment = environment;
    const value = this.guards.close(mark, lower());
    if (this.environment.diverged) region.diverges = true;
    const branch = { region, environment: this.environment, value };
    this.builder = builder;
    this.environment = outer;
    return branch;
  }

  branch(lower: () => Value | undefined): Branch {
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
    const { value } = this.choose(condition, then, otherwise, undefined, type);
    this.guards.settle();
    return value ?? this.undefinedValue();
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
    const value = merge(this, condition, a, b, type);
    return { value, consumed };
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

  mergedType(variable: Variable, a: Value, b: Value): Type {
    if (variable !== "this" && "temporary" in variable) return variable.type;
    if (variable === "this" || this.boxed.has(variable as ts.Symbol)) return a.type;
    const declared = this.typeOf(variable);
    return declared.kind === "unknown" ? joined(a.type, b.type) : declared;
  }

  // --- loops -------------------------------------------------------------------------------------------------------

  loop(shape: LoopShape): void {
    structuredLoop(this, shape);
  }

  // --- variables ---------------------------------------------------------------------------------------------------

  /** Whether a declaration stands inside of the outermost function that is being lowered. */
  isInside(declaration: ts.Node): boolean {
    if (this.parent !== undefined) return this.parent.isInside(declaration);
    const { root } = this;
    return (
      declaration !== root &&
      declaration.getSourceFile() === root.getSourceFile() &&
      declaration.pos >= root.pos &&
      declaration.end <= root.end
    );
  }

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
