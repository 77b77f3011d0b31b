/** Choosing reverse-mode code for a call whose function is known only at run time. */
import { PullbackError } from "../errors.ts";
import { type Any, type Derivative, type Frame, isLeaf, type Variant, type VariantForms } from "../protocol/index.ts";
import { requireDerivative } from "../registry/index.ts";
import { zeroShadow } from "../shadows/index.ts";
import { parametersOf, registeredVariant } from "./registered.ts";

const adapted = Symbol("pullback.adapted");

/**
 * The variant of `fn` for a call site: `mask` has one bit and `kinds` one letter per argument that the call passes,
 * the receiver first. `kinds` is how the call site sees its arguments and defaults to the function's own view (its rest parameter one array); the
 * result takes shadows and returns cotangents by the call site's view. The function's own variant is returned when it
 * fits exactly; adapters are cached. Throws PB3004 or PB9001 when `fn` carries no derivative.
 */
export function variant(fn: unknown, mask: string, kinds?: string): Variant {
  return variantOf(requireDerivative(fn), mask, kinds);
}

/**
 * `variant` for a call `receiver.fn(…)`. A member may be held by a function without receiver (an arrow in a field, an
 * entry of an object literal), which then never sees the object it was found on.
 */
export function method(fn: unknown, mask: string, kinds: string): Variant {
  const carried = requireDerivative(fn);
  if (carried.receiver === true || carried.registered?.receiver === true) return variantOf(carried, mask, kinds);
  const holder = carried as { [adapted]?: Map<string, Variant> };
  holder[adapted] ??= new Map();
  const key = `.${mask}${kinds}`;
  let found = holder[adapted].get(key);
  if (found === undefined) {
    found = withoutReceiver(variantOf(carried, mask.slice(1), kinds.slice(1)), mask, kinds);
    holder[adapted].set(key, found);
  }
  return found;
}

function withoutReceiver(inner: Variant, mask: string, kinds: string): Variant {
  const arity = mask.length;
  const isActive = (p: number, letters: string) => mask[p] === "1" && letters.includes(kinds[p] ?? "u");
  const dropped = isActive(0, "ru") ? arity : -1;
  const values = Array.from(mask).filter((_, p) => isActive(p, "vu")).length;
  return {
    forward: (...args: Any[]) => inner.forward(...args.filter((_, i) => i !== 0 && i !== dropped)),
    backward(frame: Frame, cotangent: Any): Any {
      const cotangents = inner.backward(frame, cotangent);
      if (!isActive(0, "vu")) return cotangents;
      return values === 1 ? undefined : [undefined, ...(values === 2 ? [cotangents] : cotangents)];
    },
    mutates: inner.mutates === undefined ? undefined : `0${inner.mutates}`,
  };
}

/** `variant` for a derivative already found. Without `kinds`, a rest parameter is one array, as the function sees it. */
export function variantOf(carried: Derivative, mask: string, kinds?: string): Variant {
  if (kinds === undefined || (kinds === carried.kinds && !carried.rest)) {
    const exact = carried.variants[mask];
    if (hasSweeps(exact)) return exact;
  }
  const holder = carried as { [adapted]?: Map<string, Variant> };
  holder[adapted] ??= new Map();
  const key = `${mask}${kinds ?? ""}`;
  let found = holder[adapted].get(key);
  if (found === undefined) {
    found =
      carried.registered === undefined
        ? adapt(carried, mask, kinds)
        : registeredVariant(carried, mask, kinds ?? carried.kinds);
    holder[adapted].set(key, found);
  }
  return found;
}

/** A variant that was compiled for gradients alone has only its joint form. */
const hasSweeps = (forms: VariantForms | undefined): forms is Variant => forms?.forward !== undefined;

/** A compiled variant whose mask covers `mask`: the exact one, one made on demand, else the smallest superset. */
function covering(carried: Derivative, mask: string): { mask: string; code: Variant } {
  const exact = hasSweeps(carried.variants[mask]) ? carried.variants[mask] : carried.derive?.(mask);
  if (exact !== undefined) return { mask, code: exact as Variant };
  const ones = (bits: string) => bits.replaceAll("0", "").length;
  const supersets = Object.keys(carried.variants)
    .filter(
      (bits) =>
        hasSweeps(carried.variants[bits]) &&
        bits.length === mask.length &&
        Array.from(mask).every((bit, p) => bit === "0" || bits[p] === "1"),
    )
    .sort((a, b) => ones(a) - ones(b));
  const [smallest] = supersets;
  if (smallest === undefined) {
    const list = Array.from(mask).flatMap((bit, p) => (bit === "1" ? [p] : []));
    throw new PullbackError(
      `"${carried.name}" has no derivative with respect to parameter ${list.join(", ")} (${mask}).`,
      {
        code: "PB3011",
        hint: `It was compiled for: ${Object.keys(carried.variants).join(", ") || "nothing"} (one bit per parameter). Tag it /** @differentiable */ where it is declared and compile that package again.`,
      },
    );
  }
  return { mask: smallest, code: carried.variants[smallest] as Variant };
}

interface AdaptedFrame extends Frame {
  readonly inner: Frame;
  readonly numeric: readonly boolean[];
  /** The shadow of the rest array and where its elements came from. */
  readonly rest: Any[] | undefined;
}

/** Compiled code behind another call site's view: other arity, kinds or mask, rest parameters spread. */
function adapt(carried: Derivative, mask: string, view: string | undefined): Variant {
  const kinds = view ?? carried.kinds;
  const spread = carried.rest === true && view !== undefined;
  const given = mask.length;
  const arity = carried.kinds.length;
  const fixed = spread ? arity - 1 : arity;
  const isActive = (p: number) => mask[p] === "1" && (kinds[p] ?? "u") !== "-";
  let targetMask = "";
  for (let p = 0; p < arity; p++) {
    const active = p < fixed ? isActive(p) : Array.from(mask).some((_, q) => q >= fixed && isActive(q));
    targetMask += active && carried.kinds[p] !== "-" ? "1" : "0";
  }
  const { mask: bits, code } = covering(carried, targetMask);
  const targetValues = parametersOf(bits, carried.kinds, "vu");
  const targetShadows = parametersOf(bits, carried.kinds, "ru");
  const callerValues = parametersOf(mask, kinds, "vu");
  const callerShadows = parametersOf(mask, kinds, "ru");
  const shadowPosition = (p: number) => (callerShadows.includes(p) ? given + callerShadows.indexOf(p) : -1);
  const shadowFrom = targetShadows.map(shadowPosition);
  const restShadowFrom = Array.from({ length: Math.max(given - fixed, 0) }, (_, i) => shadowPosition(fixed + i));
  const restIsActive = spread && bits[fixed] === "1";
  // Where a caller's by-value cotangent comes from: a place among the code's cotangents, or -1.
  const valueFrom = callerValues.map((p) => (p < fixed ? targetValues.indexOf(p) : -1));

  return {
    forward(...args: Any[]): AdaptedFrame {
      const call: Any[] = [];
      for (let p = 0; p < fixed; p++) call.push(p < given ? args[p] : undefined);
      let rest: Any[] | undefined;
      if (spread) call.push(args.slice(fixed, given));
      for (let i = 0; i < targetShadows.length; i++) {
        const p = targetShadows[i] as number;
        if (restIsActive && p === fixed) {
          rest = restShadowFrom.map((from, j) => (from < 0 ? undefined : args[from]) ?? zeroSlot(args[fixed + j]));
          call.push(rest);
        } else {
          const from = shadowFrom[i] as number;
          call.push((from < 0 ? undefined : args[from]) ?? zeroShadow(call[p]));
        }
      }
      const inner = code.forward(...call);
      const numeric = callerValues.map((p) => typeof args[p] === "number");
      return { value: inner.value, shadow: inner.shadow, held: [inner], inner, numeric, rest };
    },
    backward({ inner, numeric, rest }: AdaptedFrame, cotangent: Any): Any {
      const cotangents = code.backward(inner, cotangent);
      const out = callerValues.map((p, i) => {
        const from = valueFrom[i] as number;
        const found =
          from >= 0 ? (targetValues.length === 1 ? cotangents : cotangents[from]) : takeRest(rest, p - fixed);
        return found ?? (numeric[i] ? 0 : undefined);
      });
      return out.length === 1 ? out[0] : out;
    },
    mutates:
      code.mutates === undefined
        ? undefined
        : Array.from(mask, (_, p) => code.mutates?.[Math.min(p, arity - 1)] ?? "0").join(""),
  };
}

const zeroSlot = (value: unknown) => (typeof value === "number" ? 0 : zeroShadow(value));

/** The by-value cotangent of one argument of a rest parameter; its slot is zero again afterwards. */
function takeRest(rest: Any[] | undefined, i: number): Any {
  if (rest === undefined || i < 0) return undefined;
  const found = rest[i];
  if (typeof found !== "number" && !isLeaf(found)) return undefined;
  rest[i] = typeof found === "number" ? 0 : undefined;
  return found;
}
