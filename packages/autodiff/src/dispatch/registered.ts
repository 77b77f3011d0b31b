/** A registered derivative behind the interface of compiled reverse-mode code. */
import { type Any, type Derivative, type Frame, storageOf, type Variant } from "../protocol/index.ts";
import { hold, leavesOf, own, ownTree, ticked } from "../releases/index.ts";
import { accumulate, takeShadow, zeroShadow } from "../shadows/index.ts";
import { isByReference } from "../structure/index.ts";

interface RegisteredFrame extends Frame {
  readonly pullback: (cotangent: Any, needs?: readonly boolean[]) => Any;
  /** By parameter: its shadow, where it has one. */
  readonly shadows: readonly Any[];
  /** By parameter: whether the argument was a number, whose zero is 0 and not undefined. */
  readonly numeric: readonly boolean[];
}

/** The variant of a registered derivative for a caller that sees the parameters as `kinds` and wants those in `mask`. */
export function registeredVariant({ registered, resultShape }: Derivative, mask: string, kinds: string): Variant {
  const { vjp, positions, variadic, retains, effects } = registered as NonNullable<Derivative["registered"]>;
  /** What it makes is nobody's but the caller's. */
  const gives = !retains && effects !== "state";
  const arity = mask.length;
  const active = Array.from(mask, (bit) => bit === "1");
  const wanted = variadic ? active.map((_, i) => i) : positions;
  const needed = wanted.map((p) => active[p] === true);
  const needs = needed.every((need) => need) ? undefined : needed;
  const bareResult = wanted.length === 1 && !variadic;
  const byValue = parametersOf(mask, kinds, "vu");
  const withShadow = parametersOf(mask, kinds, "ru");

  return {
    forward(...args: Any[]): RegisteredFrame {
      const shadows: Any[] = [];
      for (let i = 0; i < withShadow.length; i++) shadows[withShadow[i] as number] = args[arity + i];
      const numeric: boolean[] = [];
      for (const p of byValue) numeric[p] = typeof args[p] === "number";
      args.length = arity;
      const since = ticked();
      const { value, pullback } = vjp(...args);
      const held = leavesOf(args);
      if (gives && storageOf(value) !== undefined) {
        own(value, since);
        held.push(value);
      }
      return {
        value,
        held: held.length === 0 || retains ? undefined : held,
        shadow: isByReference(value) ? zeroShadow(value, resultShape) : undefined,
        pullback,
        shadows,
        numeric,
      };
    },
    backward(frame: RegisteredFrame, cotangent: Any): Any {
      const { shadow, shadows, numeric } = frame;
      const ct = shadow === undefined ? cotangent : takeShadow(shadow, frame.value, resultShape);
      const out: Any[] = [];
      if (ct !== undefined && needed.includes(true)) {
        const since = ticked();
        if (retains) hold(ct);
        const result = frame.pullback(ct, needs);
        // Each part is its receiver's, whether that lets go of it or stores it for good.
        if (gives) ownTree(result, since);
        for (let i = 0; i < wanted.length; i++) {
          const p = wanted[i] as number;
          if (!needed[i]) continue;
          const tangent = bareResult ? result : result?.[i];
          if (shadows[p] === undefined) out[p] = tangent;
          else accumulate(shadows[p], tangent);
        }
      }
      const first = byValue[0] as number;
      if (byValue.length === 1) return out[first] ?? (numeric[first] ? 0 : undefined);
      return byValue.map((p) => out[p] ?? (numeric[p] ? 0 : undefined));
    },
  };
}

/** The active parameters whose kind is one of `wanted`, in order. */
export function parametersOf(mask: string, kinds: string, wanted: string): number[] {
  const found: number[] = [];
  for (let p = 0; p < mask.length; p++) if (mask[p] === "1" && wanted.includes(kinds[p] ?? "u")) found.push(p);
  return found;
}
