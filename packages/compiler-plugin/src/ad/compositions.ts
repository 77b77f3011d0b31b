/**
 * Operators inside differentiated code whose result is a function of functions or a matrix, written out over what can be
 * differentiated to any order: gradients, transposed functions (a pullback with its arguments) and forward-mode code.
 */
import { Summaries } from "../analysis/index.ts";
import {
  applicationKey,
  arrayOf,
  Builder,
  dualKey,
  type HirFunction,
  type Ids,
  intType,
  isNumeric,
  type Nestable,
  numberType,
  type Program,
  type Region,
  type Span,
  type Type,
  type Value,
} from "../hir/index.ts";
import { acts, effectLog, within } from "./effects.ts";
import { shadowType } from "./forward.ts";
import { dualOfAny } from "./gradients.ts";
import { dualType } from "./jvp.ts";
import { applied, selection } from "./operators.ts";
import { repetitionOf } from "./repetition.ts";
import { freshIds } from "./vjp.ts";

const compositions = [
  "pullback",
  "valueWithPullback",
  "differential",
  "valueWithDifferential",
  "jacobian",
  "hessian",
  "hessianVectorProduct",
] as const;

export type Composition = (typeof compositions)[number];

export const compositionOf = (name: string): Composition | undefined => compositions.find((each) => each === name);

/** What an operator is applied to: a literal, whose captures become the operator's, or a function with a name. */
export interface Target {
  readonly of: HirFunction;
  readonly named?: { readonly key: string; readonly text: string; readonly file: string };
  /** Where the operator is applied. */
  readonly span: Span;
}

/** Why an operator cannot be written out, and what to do. */
export interface Refusal {
  readonly message: string;
  readonly hint: string;
}

const writing: Refusal = {
  message: "writes into its arguments or into what it captures, and would have to be run a second time",
  hint: "Copy the array or object before changing it, or use gradient or valueWithGradient, which run it once.",
};

const speaking: Refusal = {
  message:
    "does something that must not happen twice, beside calls with registered derivatives, and would have to be run a second time",
  hint: "Move the input or output out of the function, or use gradient or valueWithGradient, which run it once.",
};

/** The function that an operator makes of another, as a literal with the same captures; or why there is none. */
export function composition(
  program: Program,
  target: Target,
  operator: Composition,
  wrt: string,
): HirFunction | Refusal {
  const repetition = repetitionOf(program, target.of);
  const runsOnce = operator === "hessianVectorProduct";
  if (!runsOnce && repetition === "writes") {
    return { message: `${target.of.name} ${writing.message} for ${operator}.`, hint: writing.hint };
  }
  if (!runsOnce && repetition === "speaks" && acts(program, target.of) === false) {
    return { message: `${target.of.name} ${speaking.message} for ${operator}.`, hint: speaking.hint };
  }
  return new Composer(program, target, operator, wrt, repetition !== "free" && !runsOnce).made();
}

/** What makes all runs of a function alike: the random state that they begin with, and the log of its effects. */
interface Runs {
  readonly state?: Value | undefined;
  readonly log?: Value | undefined;
}

class Composer {
  private readonly program: Program;
  private readonly target: Target;
  private readonly operator: Composition;
  private readonly wrt: string;
  /** It draws random numbers, or has an effect on the world: the state that its runs begin with. */
  private readonly draws: boolean;
  private runs: Runs = {};
  private readonly ids: Ids;
  private readonly selected: readonly number[];

  constructor(program: Program, target: Target, operator: Composition, wrt: string, draws: boolean) {
    this.program = program;
    this.target = target;
    this.operator = operator;
    this.wrt = wrt;
    this.draws = draws;
    this.ids = freshIds(target.of);
    this.selected = selection(target.of, wrt);
  }

  made(): HirFunction | Refusal {
    const { of } = this.target;
    const fresh = (v: Value): Value => ({ ...v, id: this.ids.next++ });
    const params = of.params.map(fresh);
    const captures = of.captures.map(fresh);
    if (this.operator === "hessianVectorProduct") {
      params.push({ id: this.ids.next++, type: shadowType((of.params[this.only] as Value).type), name: "direction" });
    }
    const body: Region = { params: [], ops: [], results: [] };
    const b = new Builder(body.ops, this.ids, this.target.span);
    if (this.operator !== "hessianVectorProduct") {
      this.runs = {
        state: this.draws ? drawn(b) : undefined,
        log: effectLog(b, this.program, of),
      };
    }
    const result = this.result(b, params, captures);
    if ("message" in result) return result;
    body.results = [result];
    return {
      key: `${of.key}~${this.operator}${this.wrt}`,
      name: `${of.name}$${this.operator}`,
      file: of.file,
      span: of.span,
      kind: "arrow",
      params,
      ...(of.rest === undefined ? {} : { rest: of.rest }),
      captures,
      body,
      result: result.type,
      recursive: false,
    };
  }

  /** The one parameter of `jacobian` and the like. */
  private get only(): number {
    return this.selected[0] as number;
  }

  private result(b: Builder, args: readonly Value[], captures: readonly Value[]): Value | Refusal {
    switch (this.operator) {
      case "pullback":
        return this.pullback(b, args, captures);
      case "differential":
        return this.differential(b, args, captures);
      case "valueWithPullback":
      case "valueWithDifferential": {
        const name = this.operator === "valueWithPullback" ? "pullback" : "differential";
        const linear = this[name](b, args, captures);
        const value = this.again(b, this.runs, () => this.plain(b, args, captures));
        const fields = new Map([
          ["value", value.type],
          [name, linear.type],
        ]);
        const entries = [
          { key: "value", value },
          { key: name, value: linear },
        ];
        return b.object(entries, { kind: "struct", name: "{ … }", fields: () => fields });
      }
      case "hessianVectorProduct": {
        if (this.selected.length !== 1) return this.oneParameter();
        const direction = args[args.length - 1] as Value;
        return this.gradientAlong(b, args.slice(0, -1), captures, direction);
      }
      case "hessian":
        return this.selected.length === 1 ? this.hessian(b, args, captures) : this.oneParameter();
      case "jacobian":
        return this.selected.length === 1 ? this.jacobian(b, args, captures) : this.oneParameter();
    }
  }

  private oneParameter(): Refusal {
    return {
      message: `${this.operator} takes a function of one differentiable parameter.`,
      hint: "Fix the others in a function literal: (x) => f(x, y).",
    };
  }

  private unlike(): Refusal {
    return {
      message: `Inside differentiated code, ${this.operator} works on numbers and arrays of numbers, not on these types.`,
      hint: "Use differential or pullback for one direction, or hessianVectorProduct.",
    };
  }

  /** A literal that answers for what the arguments are now. */
  private linear(
    b: Builder,
    name: string,
    own: readonly Value[],
    held: readonly Value[],
    fill: (inner: Builder, own: readonly Value[], held: readonly Value[]) => Value,
  ): Value {
    const { of } = this.target;
    const { state, log } = this.runs;
    const outer = [...held, ...(state === undefined ? [] : [state]), ...(log === undefined ? [] : [log])];
    const captures = outer.map((v): Value => ({ ...v, id: this.ids.next++ }));
    const inside = (v: Value | undefined) => (v === undefined ? undefined : captures[outer.indexOf(v)]);
    const body: Region = { params: [], ops: [], results: [] };
    const inner = new Builder(body.ops, this.ids, this.target.span);
    // Draws from the random generator come out as they would have when this was made.
    const now = state === undefined ? undefined : drawn(inner);
    const result = this.again(inner, { state: inside(state), log: inside(log) }, () =>
      fill(inner, own, captures.slice(0, held.length)),
    );
    if (now !== undefined) inner.runtime("restore", [now], undefined, { effects: true });
    body.results = [result];
    const fn: HirFunction = {
      key: `${of.key}~${name}`,
      name,
      file: of.file,
      span: of.span,
      kind: "arrow",
      params: own,
      captures,
      body,
      result: result.type,
      recursive: false,
      answersFor: "captures",
    };
    return b.closure(fn, outer);
  }

  /** One run of the function. */
  private again<T>(b: Builder, { state, log }: Runs, work: () => T): T {
    if (state !== undefined) b.runtime("restore", [state], undefined, { effects: true });
    return within(b, log, work);
  }

  private pullback(b: Builder, args: readonly Value[], captures: readonly Value[]): Value {
    const cotangent: Value = { id: this.ids.next++, type: shadowType(this.target.of.result), name: "cotangent" };
    return this.linear(b, "pullback", [cotangent], [...args, ...captures], (inner, own, held) =>
      this.transposed(inner, held.slice(0, args.length), held.slice(args.length), own[0] as Value),
    );
  }

  private differential(b: Builder, args: readonly Value[], captures: readonly Value[]): Value {
    const tangents = this.selected.map((p): Value => {
      const { type, name } = args[p] as Value;
      return { id: this.ids.next++, type: shadowType(type), name: `d_${name ?? "argument"}` };
    });
    return this.linear(b, "differential", tangents, [...args, ...captures], (inner, own, held) => {
      const inOrder = [...this.selected].sort((p, q) => p - q).map((p) => own[this.selected.indexOf(p)] as Value);
      return this.along(inner, held.slice(0, args.length), held.slice(args.length), inOrder);
    });
  }

  /** The function itself. */
  private plain(b: Builder, args: readonly Value[], captures: readonly Value[]): Value {
    const { of, named } = this.target;
    const spread = args.map((_, i) => i === of.rest);
    if (named !== undefined) return b.call({ kind: "known", ...named }, args, of.result, { effects: true, spread });
    const fn = b.closure(of, captures);
    return b.call({ kind: "value" }, [fn, ...args], of.result, { effects: true, spread: [false, ...spread] });
  }

  /** What an operator with a key makes of the function, called. */
  private applied(b: Builder, operator: Nestable, args: readonly Value[], captures: readonly Value[]): Value {
    const { of, named } = this.target;
    const application = { operator, wrt: this.wrt, of: of.key };
    if (named === undefined) {
      const fn = applied(this.program, of, application);
      return b.call({ kind: "value" }, [b.closure(fn, captures), ...args], fn.result, { effects: true });
    }
    const key = applicationKey({ ...application, of: named.key });
    const callee = { kind: "known", key, text: this.textOf(operator), file: named.file } as const;
    return b.call(callee, args, this.program.lower(key).result, { effects: true });
  }

  private textOf(operator: Nestable): string {
    const options = this.wrt === "" ? "" : `, ${this.wrt}`;
    return `$pb.applied(${JSON.stringify(operator)}, ${this.target.named?.text ?? ""}${options})`;
  }

  private transposed(b: Builder, args: readonly Value[], captures: readonly Value[], cotangent: Value): Value {
    return this.applied(b, "transposed", [...args, cotangent], captures);
  }

  private readonly mask = (): string =>
    this.target.of.params.map((_, i) => (this.selected.includes(i) ? "1" : "0")).join("");

  /** The tangent of the result along tangents of the selected parameters, in the parameters' order. */
  private along(b: Builder, args: readonly Value[], captures: readonly Value[], tangents: readonly Value[]): Value {
    const { of, named } = this.target;
    return this.dual(b, of, named?.key, named?.text ?? "", args, captures, tangents);
  }

  /** The tangent of the gradient. */
  private gradientAlong(b: Builder, args: readonly Value[], captures: readonly Value[], direction: Value): Value {
    const { of, named } = this.target;
    if (named === undefined) {
      const gradient = applied(this.program, of, { operator: "gradient", wrt: this.wrt, of: of.key });
      return this.dual(b, gradient, undefined, "", args, captures, [direction]);
    }
    const key = applicationKey({ operator: "gradient", wrt: this.wrt, of: named.key });
    return this.dual(b, this.program.lower(key), key, this.textOf("gradient"), args, captures, [direction]);
  }

  private dual(
    b: Builder,
    of: HirFunction,
    key: string | undefined,
    text: string,
    args: readonly Value[],
    captures: readonly Value[],
    tangents: readonly Value[],
  ): Value {
    const mask = this.mask();
    const type = dualType(of.result);
    const options = { effects: true, name: "dual" };
    let dual: Value;
    if (key === undefined) {
      const { made } = dualOfAny(
        this.program,
        of,
        mask + of.captures.map(() => "0").join(""),
        new Summaries(this.program),
      );
      dual = b.call({ kind: "value" }, [b.closure(made, captures), ...args, ...tangents], type, options);
    } else {
      const { file } = this.target.named as { file: string };
      const callee = { kind: "known", key: dualKey({ of: key, mask }), text, file } as const;
      dual = b.call(callee, [...args, ...tangents], type, options);
    }
    return b.load(dual, "tangent", { type: shadowType(of.result), readonly: true });
  }

  /** Rows of the Hessian: it is symmetric, so each is the gradient's tangent along one basis vector. */
  private hessian(b: Builder, args: readonly Value[], captures: readonly Value[]): Value | Refusal {
    const x = args[this.only] as Value;
    if (isNumeric(x.type)) return this.gradientAlong(b, args, captures, b.const(1));
    if (!isList(x.type) && x.type.kind !== "leaf") return this.unlike();
    return this.rows(b, x, x, (s, unit) =>
      listed(
        s,
        this.again(s, this.runs, () => this.gradientAlong(s, args, captures, unit)),
      ),
    );
  }

  private jacobian(b: Builder, args: readonly Value[], captures: readonly Value[]): Value | Refusal {
    const x = args[this.only] as Value;
    const { result } = this.target.of;
    const isNumber = isNumeric(x.type);
    if (x.type.kind === "leaf") {
      if (isNumeric(result)) return this.transposed(b, args, captures, b.const(1));
      if (result.kind !== "leaf") return this.unlike();
    } else if (!(isNumber || isList(x.type)) || !(isNumeric(result) || isList(result))) return this.unlike();
    if (isNumber) {
      const slope = this.along(b, args, captures, [b.const(1)]);
      return isNumeric(result) ? slope : listed(b, slope);
    }
    if (isNumeric(result)) return listed(b, this.transposed(b, args, captures, b.const(1)));
    const value = this.again(b, this.runs, () => this.plain(b, args, captures));
    return this.rows(b, value, x, (s, unit) =>
      listed(
        s,
        this.again(s, this.runs, () => this.transposed(s, args, captures, unit)),
      ),
    );
  }

  /** One row for every element of an array or leaf, from the tangent that is 1 there; rows are tangents of `argument`. */
  private rows(b: Builder, like: Value, argument: Value, row: (s: Builder, unit: Value) => Value): Value {
    const isLeaf = like.type.kind === "leaf";
    const rows = b.array([], arrayOf(isLeaf ? argument.type : arrayOf(numberType)));
    const length = isLeaf ? b.runtime("sizeOfLeaf", [like], intType) : b.length(like);
    b.loop({ initial: [], counted: { start: b.const(0, intType), end: length, comparison: "<", step: 1 } }, (s, i) => {
      s.push(
        rows,
        row(s, isLeaf ? s.runtime("unitOfLeaf", [like, i as Value], like.type) : unitOf(s, like, i as Value)),
      );
      return [];
    });
    return isLeaf ? b.runtime("assembledRows", [rows, like, argument], argument.type) : rows;
  }
}

/** The tangent of an array that is 1 in one place. */
function unitOf(b: Builder, like: Value, i: Value): Value {
  const type = shadowType(like.type);
  const fill = type.kind === "array" && type.typed !== undefined ? undefined : b.const(0);
  const unit = b.newArray(b.length(like), fill, type);
  b.store(unit, i, b.const(1));
  return unit;
}

/** The random state. */
function drawn(b: Builder): Value {
  return b.runtime("capture", [b.array([], arrayOf(numberType))], intType, { effects: true });
}

/** An array, typed array or tuple of numbers. */
function isList(type: Type): boolean {
  if (type.kind === "array") return isNumeric(type.element);
  return type.kind === "tuple" && type.elements.every(isNumeric);
}

/** The numbers of a typed array in a plain one. */
function listed(b: Builder, tangent: Value): Value {
  if (tangent.type.kind !== "array" || tangent.type.typed === undefined) return tangent;
  return b.array([tangent], arrayOf(numberType), { spread: [true] });
}
