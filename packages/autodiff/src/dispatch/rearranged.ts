/**
 * Forward-mode code called with other arguments than it takes: in another order, some left out, some in one array, some
 * made up. Its derivatives are those of the code itself, rearranged in the same way.
 */
import {
  type Any,
  type AnyFunction,
  type Derivative,
  type Frame,
  isLeaf,
  type Jvp,
  type Variant,
} from "../protocol/index.ts";
import { attach, requireDerivative } from "../registry/index.ts";
import { zeroShadow } from "../shadows/index.ts";
import { jvpOf } from "./jvp.ts";
import { parametersOf } from "./registered.ts";
import { variantOf } from "./variant.ts";

/** Where an argument comes from: a place among those given, or the zero tangent of what stands in that place. */
type Place = number | { readonly zeroOf: number };

/** An argument of the code: from one place, an array from several, or nothing. */
export type Source = Place | readonly Place[] | undefined;

/** The zero companion of an argument: a number, a shadow, or the symbolic zero of a leaf. */
const zeroSlot = (value: unknown) => (typeof value === "number" ? 0 : zeroShadow(value));

const isPlaces = (source: Source): source is readonly Place[] => Array.isArray(source);

function given(args: readonly Any[], place: Place): Any {
  return typeof place === "number" ? args[place] : zeroSlot(args[place.zeroOf]);
}

function argument(args: readonly Any[], source: Source): Any {
  if (source === undefined) return undefined;
  return isPlaces(source) ? source.map((place) => given(args, place)) : given(args, source);
}

/** `code` for calls with `arity` arguments, from which its own are taken as `sources` says. */
export function rearranged(code: Jvp, arity: number, sources: readonly Source[]): Jvp {
  const made: Jvp = (...args) => code(...sources.map((source) => argument(args, source)));
  const inner = () => requireDerivative(code);
  /** Which of the code's own arguments are active. */
  const targetOf = (mask: string) => {
    const { kinds } = inner();
    const isActive = (place: Place) => typeof place === "number" && mask[place] === "1";
    return Array.from(kinds, (kind, i) => {
      const source = sources[i];
      if (kind === "-" || source === undefined) return "0";
      return (isPlaces(source) ? source.some(isActive) : isActive(source)) ? "1" : "0";
    }).join("");
  };
  const own: Derivative = {
    abi: 1,
    name: code.name,
    kinds: "u".repeat(arity),
    variants: {},
    get changesFirst() {
      return inner().changesFirst;
    },
    derive: (mask) => rearrangedVariant(inner(), targetOf(mask), mask, sources),
    deriveJvp(mask) {
      const target = targetOf(mask);
      let next = arity;
      const tangentAt = Array.from(mask, (bit) => (bit === "1" ? next++ : -1));
      const tangent = (place: Place): Place => {
        if (typeof place !== "number") return place;
        const at = tangentAt[place] as number;
        return at < 0 ? { zeroOf: place } : at;
      };
      const tangents = Array.from(target).flatMap((bit, i): Source[] => {
        const source = sources[i];
        if (bit === "0" || source === undefined) return [];
        return [isPlaces(source) ? source.map(tangent) : tangent(source)];
      });
      return rearranged(jvpOf(inner(), target), next, [...sources, ...tangents]);
    },
  };
  return attach(made as AnyFunction, own) as Jvp;
}

interface RearrangedFrame extends Frame {
  readonly inner: Frame;
  /** By parameter of the code: the shadow of an array made of several arguments. */
  readonly lists: readonly Any[];
  readonly numeric: readonly boolean[];
}

function rearrangedVariant(carried: Derivative, target: string, mask: string, sources: readonly Source[]): Variant {
  const code = variantOf(carried, target);
  const arity = mask.length;
  const active = parametersOf(mask, "u".repeat(arity), "u");
  const values = parametersOf(target, carried.kinds, "vu");
  const withShadow = parametersOf(target, carried.kinds, "ru");
  return {
    forward(...args: Any[]): RearrangedFrame {
      const lists: Any[] = [];
      const shadowOf = (place: Place) => {
        const at = typeof place === "number" ? active.indexOf(place) : -1;
        return at < 0 ? undefined : args[arity + at];
      };
      const call = sources.map((source) => argument(args, source));
      for (const i of withShadow) {
        const source = sources[i];
        if (isPlaces(source)) {
          lists[i] = source.map((place, j) => shadowOf(place) ?? zeroSlot(call[i][j]));
          call.push(lists[i]);
        } else call.push((source === undefined ? undefined : shadowOf(source)) ?? zeroShadow(call[i]));
      }
      const inner = code.forward(...call);
      const numeric = active.map((p) => typeof args[p] === "number");
      return { value: inner.value, shadow: inner.shadow, held: [inner], inner, lists, numeric };
    },
    backward({ inner, lists, numeric }: RearrangedFrame, cotangent: Any): Any {
      const cotangents = code.backward(inner, cotangent);
      const found = new Map<Place, Any>();
      values.forEach((i, k) => {
        const source = sources[i];
        if (source !== undefined && !isPlaces(source))
          found.set(source, values.length === 1 ? cotangents : cotangents[k]);
      });
      lists.forEach((list, i) => {
        (sources[i] as readonly Place[]).forEach((place, j) => {
          const slot = list[j];
          if (typeof slot !== "number" && !isLeaf(slot)) return;
          found.set(place, slot);
          list[j] = typeof slot === "number" ? 0 : undefined;
        });
      });
      const out = active.map((p, i) => found.get(p) ?? (numeric[i] ? 0 : undefined));
      return out.length === 1 ? out[0] : out;
    },
    mutates: code.mutates === undefined ? undefined : mutated(code.mutates, arity, sources),
  };
}

/** Which of the arguments given the code writes into. */
function mutated(mutates: string, arity: number, sources: readonly Source[]): string {
  const bits = new Array<string>(arity).fill("0");
  sources.forEach((source, i) => {
    if (mutates[i] !== "1" || source === undefined) return;
    for (const place of isPlaces(source) ? source : [source]) if (typeof place === "number") bits[place] = "1";
  });
  return bits.join("");
}
