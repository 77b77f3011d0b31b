/** What the reverse-mode operators share: choosing code and parameters, building shadows, and collecting tangents. */
import { parametersOf, variantOf } from "../dispatch/index.ts";
import { PullbackError } from "../errors.ts";
import {
  type Any,
  type Derivative,
  type GradientDType,
  roundedLeaf,
  type Shape,
  type Variant,
  vectorOf,
} from "../protocol/index.ts";
import { requireDerivative } from "../registry/index.ts";
import {
  accumulate,
  type Extent,
  extentOf,
  takeShadow,
  tangentOf,
  withinExtent,
  zeroShadow,
} from "../shadows/index.ts";
import { isByReference, structureOf } from "../structure/index.ts";
import { ofPrimal } from "../tangents/index.ts";
import { requireExclusive } from "./exclusive.ts";

export interface Options {
  readonly wrt?: number | readonly number[];
  /** Reverse mode only. */
  readonly gradientDtype?: GradientDType;
}

/** A function prepared for reverse mode with respect to some of its parameters. */
export interface Plan {
  readonly carried: Derivative;
  readonly code: Variant;
  /** The parameters that are differentiated: one "1" or "0" each. */
  readonly mask: string;
  readonly arity: number;
  /** Parameters to report, in the order asked for. */
  readonly selected: readonly number[];
  /** Report a bare tangent. */
  readonly bare: boolean;
  /** Keep cotangents in this precision, where that of their leaves is narrower. */
  readonly gradientDtype: GradientDType | undefined;
  /** Active parameters that may be by value, and those that may need a shadow, in parameter order. */
  readonly byValue: readonly number[];
  readonly withShadow: readonly number[];
}

/** One call: the arguments padded to the function's arity, followed by the shadows, and the shadows by parameter. */
export interface Call {
  readonly args: readonly unknown[];
  readonly full: readonly unknown[];
  readonly shadows: readonly Any[];
  /** By parameter that the function writes into: how far it reached before. */
  readonly extents: readonly (Extent | undefined)[];
}

/** Finds the derivative of `f` and checks `wrt`; throws PB9001, PB3004, PB3005, PB3011, PB2002 or PB2005. */
export function planFor(f: unknown, form: "joint" | "split", options?: Options): Plan {
  const { carried, mask, selected, bare } = selectionOf(f, options);
  const { kinds } = carried;
  const gradientDtype = gradientDtypeOf(options);
  return {
    carried,
    gradientDtype,
    code: codeFor(carried, mask, form),
    mask,
    arity: kinds.length,
    selected,
    bare,
    byValue: parametersOf(mask, kinds, "vu"),
    withShadow: parametersOf(mask, kinds, "ru"),
  };
}

/** Throws PB2013 for anything but the one precision that is wider than the narrow ones. */
function gradientDtypeOf(options: Options | undefined): GradientDType | undefined {
  const wanted = options?.gradientDtype;
  if (wanted === undefined || wanted === "float32") return wanted;
  throw new PullbackError(`gradientDtype is ${JSON.stringify(wanted)}.`, {
    code: "PB2013",
    hint: 'Write { gradientDtype: "float32" } to keep the cotangents of half-precision values in float32, or leave it out.',
  });
}

/** Which parameters of which function an operator is asked about. */
export interface Selection {
  readonly carried: Derivative;
  readonly mask: string;
  readonly selected: readonly number[];
  readonly bare: boolean;
}

/** Finds what `f` carries and checks `wrt`; throws PB9001, PB3004, PB3005, PB2002 or PB2005. */
export function selectionOf(f: unknown, options?: Options): Selection {
  const carried = requireDerivative(f);
  const { kinds } = carried;
  const wrt = options?.wrt;
  const differentiable = Array.from(kinds).flatMap((kind, p) => (kind === "-" ? [] : [p]));
  const selected = wrt === undefined ? differentiable : typeof wrt === "number" ? [wrt] : wrt;
  if (selected.length === 0) {
    throw new PullbackError(`"${carried.name}" has no differentiable parameter to differentiate with respect to.`, {
      code: "PB2002",
      hint: "Only numbers, leaves such as tensors, and arrays, objects and Maps of them have derivatives; Int and NoDerivative<…> have none.",
    });
  }
  if (new Set(selected).size !== selected.length || selected.some((p) => !differentiable.includes(p))) {
    throw new PullbackError(`wrt is ${JSON.stringify(wrt)}, which does not fit the parameters of "${carried.name}".`, {
      code: "PB2005",
      hint: `Its differentiable parameters, counted from 0, are: ${differentiable.join(", ") || "none"}. Give each at most once.`,
    });
  }
  const mask = Array.from(kinds, (_, p) => (selected.includes(p) ? "1" : "0")).join("");
  return { carried, mask, selected, bare: typeof wrt === "number" || (wrt === undefined && selected.length === 1) };
}

/** The code for a mask; the joint form alone will do where no user code runs between the sweeps. */
function codeFor(carried: Derivative, mask: string, form: "joint" | "split"): Variant {
  if (carried.registered?.variadic) return variadicCode(carried);
  const exact = carried.variants[mask];
  return form === "joint" && exact?.joint !== undefined ? (exact as Variant) : variantOf(carried, mask);
}

/**
 * The plan for one call. How many parameters a registered function has is not known at run time where the last ones are
 * optional: what is given beyond them is passed on, without derivative.
 */
export function planOf(plan: Plan, given: readonly unknown[]): Plan {
  const { carried, mask, arity } = plan;
  if (carried.registered === undefined || carried.registered.variadic || given.length <= arity) return plan;
  const count = given.length;
  return { ...plan, arity: count, code: variantOf(carried, mask.padEnd(count, "0"), carried.kinds.padEnd(count, "-")) };
}

/** A registered function of any number of arguments, seen as a function of one rest array and its shadow. */
function variadicCode(carried: Derivative): Variant {
  return {
    forward(items: readonly unknown[], shadow: Any) {
      const code = variantOf(carried, "1".repeat(items.length), "v".repeat(items.length));
      const frame = code.forward(...items);
      return { value: frame.value, shadow: frame.shadow, held: [frame], frame, code, into: shadow };
    },
    backward({ frame, code, into }: { frame: Any; code: Variant; into: Any }, cotangent: Any) {
      const cotangents = code.backward(frame, cotangent);
      accumulate(into, Array.isArray(cotangents) ? cotangents : [cotangents]);
    },
  };
}

/** Builds the shadows of one call; throws PB4010 where the function writes into an argument that is not exclusive. */
export function prepare({ carried, code, arity, withShadow }: Plan, given: readonly unknown[]): Call {
  const args = argumentsOf(carried, arity, given);
  if (code.mutates?.includes("1")) requireExclusive(carried.name, args, code.mutates);
  const shadows: Any[] = [];
  const extents: (Extent | undefined)[] = [];
  const full = args.slice();
  for (const p of withShadow) {
    const argument = args[p];
    if (isByReference(argument)) shadows[p] = zeroShadow(argument, shapeOf(carried, p));
    if (code.mutates?.[p] === "1") extents[p] = extentOf(shadows[p]);
    full.push(shadows[p]);
  }
  return { args, full, shadows, extents };
}

/** Arguments as variants take them: padded to the function's arity, a rest parameter as one array. */
export function argumentsOf({ rest }: Derivative, arity: number, given: readonly unknown[]): unknown[] {
  const fixed = rest ? arity - 1 : arity;
  const args = given.slice(0, fixed);
  while (args.length < fixed) args.push(undefined);
  if (rest) args.push(given.slice(fixed));
  return args;
}

export const shapeOf = (carried: Derivative, p: number): Shape => carried.shapes?.[p] ?? "u";

/**
 * The tangents to report, from the by-value cotangents of `backward` and the shadows. With `keep` the shadows are
 * needed again: their content is copied and they are zero afterwards.
 */
export function collect(plan: Plan, { args, shadows, extents }: Call, cotangents: Any, keep: boolean): Any {
  const { carried, byValue, selected, bare, gradientDtype } = plan;
  const tangent = (p: number) => {
    const shape = shapeOf(carried, p);
    if (shadows[p] !== undefined) {
      const tangent = (keep ? takeShadow : tangentOf)(shadows[p], args[p], shape, gradientDtype);
      return ofPrimal(withinExtent(tangent, extents[p]), args[p]);
    }
    const i = byValue.indexOf(p);
    const found = i < 0 ? undefined : byValue.length === 1 ? cotangents : cotangents?.[i];
    return roundedLeaf(found ?? zeroOf(args[p]), args[p], gradientDtype);
  };
  return bare ? tangent(selected[0] as number) : selected.map(tangent);
}

/** The zero of an argument that received no cotangent. */
export function zeroOf(value: unknown): Any {
  if (typeof value === "number") return 0;
  return structureOf(value) === "leaf" ? vectorOf(value).zero(value) : undefined;
}
