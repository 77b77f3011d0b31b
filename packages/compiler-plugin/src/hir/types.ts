/**
 * The HIR: structured SSA. Straight-line operations, `if` with merged results, `loop` with carried values, calls,
 * closures, and explicit memory (allocate, load, store). There is no jump: early return, break and continue become
 * values (see docs/internals/compiler.md). Reversal is therefore mechanical and the output reads like the input.
 */

/** A half-open range of characters in a source file. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/**
 * What differentiation needs to know of a TypeScript type.
 * - `number`: a differentiable number. `inert`: no tangent (string, boolean, Int, NoDerivative, undefined, plain functions).
 * - `leaf`: an immutable object with a vector protocol, such as a tensor; by value.
 * - `array` (typed arrays with `typed`), `tuple`, `struct`, `map`, `function`: by reference, with shadows.
 * - `union`; `unknown`: a type parameter, whose kind is known only at run time.
 */
export type Type =
  | { readonly kind: "number" }
  | { readonly kind: "inert"; readonly text: string }
  | { readonly kind: "leaf"; readonly name: string }
  | { readonly kind: "array"; readonly element: Type; readonly typed?: "Float32Array" | "Float64Array" }
  | { readonly kind: "tuple"; readonly elements: readonly Type[] }
  | StructType
  /** A Map, or with `record` an object used as one (index signature). */
  | { readonly kind: "map"; readonly element: Type; readonly record?: true }
  | { readonly kind: "function"; readonly text: string }
  | { readonly kind: "union"; readonly members: readonly Type[] }
  | { readonly kind: "unknown"; readonly text: string };

export interface StructType {
  readonly kind: "struct";
  /** Class, interface or alias name, or "{ … }". */
  readonly name: string;
  /** Every field by its run-time name (inert ones too); a function because types may be recursive. */
  readonly fields: () => ReadonlyMap<string, Type>;
  /** Key of the class declaration, when it is a class. */
  readonly classKey?: string;
  /** An interface that classes implement: its values may have fields that the type does not tell. */
  readonly open?: true;
  /** The type parameter whose constraint it is: its values have fields that the type does not tell. */
  readonly parameter?: string;
}

/** How a value of a type carries its adjoint: by value, by reference (a shadow), unknown until run time, or not at all. */
export type Passing = "v" | "r" | "u" | "-";

/** One SSA value. Identity is the object; `id` is unique within a function and orders definitions. */
export interface Value {
  readonly id: number;
  readonly type: Type;
  /** The source name it came from, for readable output. */
  readonly name?: string;
  readonly span?: Span;
}

/**
 * An operation with `catches` stands in a `try`: two more results say whether it threw, and what. Where it did, its own
 * result is not to be read.
 */
interface Catching {
  readonly catches?: true;
}

/** A sequence of operations with block parameters and results. A region that always throws `diverges` and has no results. */
export interface Region {
  readonly params: Value[];
  readonly ops: Op[];
  results: Value[];
  diverges?: boolean;
}

interface OpBase {
  readonly span: Span;
  readonly results: Value[];
}

export type Op =
  | ConstOp
  | GlobalOp
  | PrimOp
  | MathOp
  | ArrayOp
  | ObjectOp
  | NewArrayOp
  | AllocateOp
  | NewOp
  | LoadOp
  | StoreOp
  | PushOp
  | PopOp
  | CursorOp
  | CallOp
  | ClosureOp
  | OpaqueOp
  | ThrowOp
  | IfOp
  | LoopOp
  | RuntimeOp
  | SweepOp;

/** A literal. */
export interface ConstOp extends OpBase {
  readonly kind: "const";
  readonly value: number | string | boolean | null | undefined | bigint;
  /** It stands in the program's own text: adding a 0 makes 0 of -0 there, where adding a symbolic zero changes nothing. */
  readonly written?: true;
}

/** A module-level or ambient name (or a dotted chain of readonly ones, `Math.PI`), constant for differentiation. */
export interface GlobalOp extends OpBase {
  readonly kind: "global";
  readonly text: string;
  /** The file whose scope the text is written for; "" for ambient names, which every module sees. */
  readonly file: string;
  /** The function of this program that the name denotes, so that its derivative can be demanded where it is a value. */
  readonly functionKey?: string;
  /** The functions in the object or array literal that a constant holds. */
  readonly holds?: readonly string[];
}

/** A JavaScript operator on primitive values; `op` is its token ("+", "<", "===", "!", "typeof", …), `neg` unary minus. */
export interface PrimOp extends OpBase {
  readonly kind: "prim";
  readonly op: string;
  readonly args: readonly Value[];
}

/** `Math.fn(...args)`. */
export interface MathOp extends OpBase {
  readonly kind: "math";
  readonly fn: string;
  readonly args: readonly Value[];
}

/** `[a, ...b, c]`: `spread[i]` marks elements that are spread arrays. */
export interface ArrayOp extends OpBase {
  readonly kind: "array";
  readonly elements: readonly Value[];
  readonly spread: readonly boolean[];
  /** Made by differentiation, which never pops more than it pushed. */
  readonly stack?: true;
}

/** `{ ...a, x: b }`: an entry without a key is a spread. Later entries win. */
export interface ObjectOp extends OpBase {
  readonly kind: "object";
  readonly entries: readonly { readonly key?: string; readonly value: Value }[];
}

/** A fresh array of `length` elements, all `fill` (typed arrays: 0). `new Array(n).fill(x)`, `new Float64Array(n)`. */
export interface NewArrayOp extends OpBase {
  readonly kind: "newArray";
  readonly length: Value;
  readonly fill?: Value;
  /** Made by differentiation, which reads no entry that it has not written. */
  readonly stack?: true;
}

/** A bare instance of a class, before its initialiser runs: `Object.create(Class.prototype)`. */
export interface AllocateOp extends OpBase {
  readonly kind: "allocate";
  readonly classText: string;
  readonly file: string;
}

/**
 * `new Class(...args)` where the constructor only stores arguments and inert values: `fields` maps each
 * differentiable field to the argument stored there. Other constructors are `allocate` plus a call of the initialiser.
 */
export interface NewOp extends OpBase {
  readonly kind: "new";
  readonly classText: string;
  readonly file: string;
  readonly args: readonly Value[];
  readonly fields: readonly { readonly name: string; readonly argument: number }[];
}

export type Key = { readonly kind: "field"; readonly name: string } | { readonly kind: "index"; readonly index: Value };

/** `object.name` or `object[index]` (array elements, tuple slots; Map entries by `get` are calls of kind intrinsic). */
export interface LoadOp extends OpBase {
  readonly kind: "load";
  readonly object: Value;
  readonly key: Key;
  /** The declaration says readonly, or the frontend proved that nothing in the program writes it after construction. */
  readonly readonly?: boolean;
}

export interface StoreOp extends OpBase {
  readonly kind: "store";
  readonly object: Value;
  readonly key: Key;
  readonly value: Value;
}

/** `array.push(value)`; no result. With a cursor: `array[cursor] = value`, after which the cursor may move on. */
export interface PushOp extends OpBase {
  readonly kind: "push";
  readonly array: Value;
  readonly value: Value;
  readonly cursor?: Value;
  readonly moves?: boolean;
}

/** `array.pop()` on an array that the program knows to be non-empty; result is the element. */
export interface PopOp extends OpBase {
  readonly kind: "pop";
  readonly array: Value;
  /** The result is what stands at the cursor, which may move back first; the array keeps its length. */
  readonly cursor?: Value;
  readonly moves?: boolean;
}

/**
 * A variable that counts the entries of arrays which are pushed to side by side: several times faster than their own
 * `push` and `pop`. It begins at 0, or at the length of `array`.
 */
export interface CursorOp extends OpBase {
  readonly kind: "cursor";
  readonly array: Value | undefined;
}

/** Who is called, and how the call is written in the primal program. The receiver, if any, is `args[0]`. */
export type Callee =
  /** A function of this program whose HIR `program.lower(key)` gives: function, static or statically resolved method, initialiser. */
  | {
      readonly kind: "known";
      readonly key: string;
      readonly text: string;
      readonly file: string;
      readonly method?: string;
      /** The call reads or writes a property: `args[0].method`, `args[0].method = args[1]`. */
      readonly accessor?: "get" | "set";
    }
  /** A target of registerDerivative (or a manifest entry); `wrt` holds argument positions, the receiver being 0 for methods. */
  | {
      readonly kind: "registered";
      readonly key: string;
      readonly text: string;
      readonly file: string;
      readonly method?: string;
      readonly accessor?: "get" | "set";
      readonly wrt: readonly number[];
      /** False where the registration is seen to have no `jvp`, or no `vjp`. */
      readonly forward?: boolean;
      readonly reverse?: boolean;
      /** The function of the program that is its `jvp`. */
      readonly jvpKey?: string;
      readonly effects: "none" | "random" | "state";
      readonly retains: boolean;
      /** Of an installed package. */
      readonly published?: PublishedCode;
    }
  /** A method found at run time on `args[0]`: interface members, overridden methods. `key` names the interface member. */
  | {
      readonly kind: "dynamic";
      readonly key: string;
      readonly method: string;
      readonly accessor?: "get" | "set";
      readonly implementations: readonly string[];
      /** Declared by an installed package, which publishes its derivative. */
      readonly external?: true;
      readonly published?: PublishedCode;
    }
  /** A function value: `args[0]` is the callee itself; `code` says what it is, where it is forward-mode code found at run time. */
  | { readonly kind: "value"; readonly code?: FoundCode; readonly published?: PublishedCode }
  /** No derivative is known; legal only where nothing active passes through. `method` writes `args[0].method(…)`. */
  | {
      readonly kind: "inert";
      readonly text: string;
      readonly file: string;
      readonly method?: string;
      readonly accessor?: "get" | "set";
      /** Why there is none, where more is known than that: code, message and hint of the diagnostic. */
      readonly refusal?: { readonly code: string; readonly message: string; readonly hint: string };
      /** The program asks for the derivative to stop here (`withoutDerivative`): no diagnostic. */
      readonly stops?: true;
      /** A differential operator, which makes a function of a function; `wrt` as keys write it, where it is written out. */
      readonly operator?: {
        readonly name: string;
        readonly wrt?: string;
        /** Why it cannot be differentiated here. */
        readonly refusal?: { readonly message: string; readonly hint: string };
      };
    };

/** What an installed package publishes of the derivatives of a function: modes as its manifest names them. */
export interface PublishedCode {
  readonly name: string;
  readonly package: string;
  readonly modes: readonly string[];
  readonly conduct?: Conduct;
}

/** What calling a function does besides returning a value; bits and positions are those of its parameters, the receiver first. */
export interface Conduct {
  /** What an argument holds is written to. */
  readonly mutates: string;
  /** The result may hold what an argument holds. */
  readonly returned: string;
  /** One argument may come to hold what another one holds. */
  readonly linked: readonly (readonly [number, number])[];
  /** "random": it may draw from the random generator, which can be put back; "state": what it does cannot be undone. */
  readonly effects: "none" | "random" | "state";
}

/**
 * Forward-mode code for the arguments in `mask`, found at run time: of the function that a call reaches, or, with `rule`,
 * the `jvp` of its registration, which takes the arguments alone, or the differential that this returns.
 */
export interface FoundCode {
  readonly of: Callee;
  readonly mask: string;
  readonly rule?: "jvp" | "differential";
}

/**
 * How an operation with an effect is done once in all runs of a function: what it is given and returns is written down;
 * "collection": unless it is a collection's own method; "speaks": it leaves what it is given alone. Set by ad/effects.ts.
 */
interface Recorded {
  readonly once?: "whole" | "collection" | "speaks";
}

export interface CallOp extends OpBase, Catching, Recorded {
  readonly kind: "call";
  readonly callee: Callee;
  readonly args: readonly Value[];
  readonly spread?: readonly boolean[];
  /** May write memory reachable from its arguments, or do I/O; inert calls of unknown functions always may. */
  readonly effects: boolean;
}

/** A function literal; `captures` are the values it closes over, in the order of the function's `captures`. */
export interface ClosureOp extends OpBase {
  readonly kind: "closure";
  readonly function: HirFunction;
  readonly captures: readonly Value[];
  /** Its derivative, made by ad/: functions that close over captures, and over their shadows and adjoints or tangents. */
  readonly derivative?: ClosureDerivative;
}

export interface ClosureDerivative {
  readonly kinds: string;
  readonly mask: string;
  readonly mutates: string;
  /** It may throw after it has written: there is code of its settled form too, or none can be had. */
  readonly changesFirst?: true;
  readonly codes: readonly {
    readonly sweep: Sweep;
    /** Of the function that does not throw. */
    readonly settled?: true;
    readonly function: HirFunction;
    /** What the function's captures are outside. */
    readonly captures: readonly Value[];
  }[];
}

/** The functions of which a derivative consists. */
export type Sweep = "forward" | "backward" | "jvp";

/**
 * Source text with holes, emitted verbatim in the forward sweep: anything the HIR does not model. Legal only where it
 * is inactive; when activity reaches it, `diagnostic` is reported at `span`.
 */
export interface OpaqueOp extends OpBase, Catching, Recorded {
  readonly kind: "opaque";
  /** parts.length === operands.length + 1. Without results it is a statement, otherwise an expression. */
  readonly parts: readonly string[];
  readonly operands: readonly Value[];
  readonly file: string;
  readonly effects: boolean;
  /** What it is given may come back later by ways that nobody sees: no operand may be active. */
  readonly keeps?: true;
  readonly diagnostic: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** Ends its region, which diverges. `value` is inert. */
export interface ThrowOp extends OpBase {
  readonly kind: "throw";
  readonly value: Value;
}

export interface IfOp extends OpBase {
  readonly kind: "if";
  readonly condition: Value;
  readonly then: Region;
  readonly else: Region;
}

/**
 * `results` are the final carried values. Each iteration: the test region (params: carried; result: boolean; pure), then
 * the body (params: carried, preceded by the index when counted; results: the next carried values, followed by a
 * boolean `again` when `hasBreak`; false ends the loop after this iteration, its carried values being the results).
 */
export interface LoopOp extends OpBase {
  readonly kind: "loop";
  readonly initial: readonly Value[];
  /** `for (let i = start; i < end; i += step)` where the body changes neither i nor end. */
  readonly counted?: {
    readonly start: Value;
    readonly end: Value;
    readonly comparison: "<" | "<=" | ">" | ">=";
    readonly step: number;
  };
  readonly test?: Region;
  readonly testAfter: boolean;
  readonly body: Region;
  readonly hasBreak: boolean;
  readonly label?: string;
}

/** `$pb.fn(...args)`: a call of the run-time half. Made by ad/ only, never by lowering. */
export interface RuntimeOp extends OpBase {
  readonly kind: "runtime";
  readonly fn: string;
  readonly args: readonly Value[];
  readonly effects: boolean;
}

/**
 * One sweep of another function's derivative, for the given activity mask; made by ad/ only. With `variant`, the value
 * that `$pb.variant` returned, the sweep is its method; without, it is that of the statically known `callee`.
 * forward: args and shadows to a frame. backward: [frame, cotangent] to the by-value cotangents. jvp: args and tangents to
 * { value, tangent }; its `variant` is what `$pb.jvp` returned, the function itself.
 */
export interface SweepOp extends OpBase, Catching {
  readonly kind: "sweep";
  readonly sweep: Sweep;
  /** Of the function that does not throw: the frame's value is `{ thrown, error, value }`. */
  readonly settled?: true;
  readonly callee: Callee;
  readonly mask: string;
  readonly variant?: Value;
  readonly args: readonly Value[];
  /** The function itself, whose effects are written down: its forward-mode code for no parameter. */
  readonly primal?: true;
}

/** An error that belongs to a place in the program. */
export interface Fault {
  readonly code: string;
  readonly span: Span;
  readonly message: string;
  readonly hint: string;
}

export interface HirFunction {
  /** Unique in the program: `${file}#${qualified name}`, arrows by position. */
  readonly key: string;
  /** Base of generated names. */
  readonly name: string;
  readonly file: string;
  readonly span: Span;
  readonly kind: "function" | "method" | "initialiser" | "getter" | "setter" | "arrow";
  /** The receiver (named `this`) first for methods, getters, setters and initialisers. */
  readonly params: readonly Value[];
  /** Index of the rest parameter, whose value is an array. */
  readonly rest?: number;
  /** Variables of enclosing functions that it reads, as values inside this function. */
  readonly captures: readonly Value[];
  /** Yields one value: the result (`undefined` constant for void). */
  readonly body: Region;
  readonly result: Type;
  /** Calls itself, directly or through others (a hint: analysis finds cycles by itself). */
  readonly recursive: boolean;
  /** What it is the gradient of, where its own operations cannot be differentiated (ad/gradients.ts). */
  readonly gradientOf?: GradientOf;
  /** A pullback or a differential: it answers for what its captures held when it was made. */
  readonly answersFor?: "captures";
  /** What was found wrong before it was differentiated. */
  readonly faults?: readonly Fault[];
}

/**
 * The function that has one computes cotangents of `of`'s parameters: what a reverse sweep over `of` makes of the
 * cotangent `seed` of its result. Of a scalar function seeded with 1 that is the gradient.
 */
export interface GradientOf {
  readonly of: HirFunction;
  readonly seed: Seed;
  /** For each parameter of `of` the parameter that stands for it; of a tangent, with the parameter that it belongs to. */
  readonly inputs: readonly { readonly param: number; readonly tangentOf?: number }[];
  /** How the cotangents of `of`'s parameters make up the result. */
  readonly arranged: Arrangement;
  /** `of` writes into what it is given, and the gradient undoes that: it leaves everything as it was. */
  readonly undoes?: true;
}

/** The cotangent of a result: a constant (1 of one element), a parameter, or that of the parts of what forward mode returns. */
export type Seed = 0 | 1 | { readonly param: number } | { readonly value: Seed; readonly tangent: Seed };

/** The cotangent of a parameter, a part of what `of` returns (by the fields that lead to it), a tuple, or an object. */
export type Arrangement =
  | number
  | { readonly primal: readonly string[] }
  | readonly Arrangement[]
  | { readonly fields: readonly (readonly [name: string, part: Arrangement])[] };

/** What the frontend offers the later stages. */
export interface Program {
  /** Lowers a function on first use; throws nothing: what cannot be lowered becomes opaque operations or diagnostics. */
  lower(key: string): HirFunction;
  /** Type of the class's differentiable instance fields etc., for descriptors. */
  structOf(classKey: string): StructType;
}
