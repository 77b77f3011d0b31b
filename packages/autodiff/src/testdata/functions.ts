/**
 * Functions with the derivatives that the compiler would emit for them, written by hand, so that the operators are
 * tested without the compiler. `opaque` hides a function's source from it.
 */
import { struct } from "../index.ts";
import type { Derivative, Variant, VariantForms } from "../protocol/index.ts";
import * as $pb from "../runtime/index.ts";
import type { DifferentiableFunction } from "../types/index.ts";

type AnyFunction = (...args: any[]) => any;

export function carrying<F extends AnyFunction>(
  fn: F,
  kinds: string,
  variants: Record<string, VariantForms>,
  more: Partial<Derivative> = {},
): DifferentiableFunction<F> {
  return $pb.carry(fn, { abi: 1, name: fn.name, kinds, variants, ...more });
}

/** x * sin(y): by-value parameters; "10" is the variant for x alone; "01" is missing on purpose. */
export const product = carrying((x: number, y: number) => x * Math.sin(y), "vv", {
  "11": {
    forward: (x, y) => ({ value: x * Math.sin(y), x, y }),
    backward: ({ x, y }, ct) => [ct * Math.sin(y), ct * x * Math.cos(y)],
    joint: (x, y, ct) => ({ value: x * Math.sin(y), cotangents: [ct * Math.sin(y), ct * x * Math.cos(y)] }),
    jvp: (x, y, dx, dy) => ({ value: x * Math.sin(y), tangent: dx * Math.sin(y) + x * Math.cos(y) * dy }),
  },
  "10": {
    forward: (x, y) => ({ value: x * Math.sin(y), y }),
    backward: ({ y }, ct) => ct * Math.sin(y),
  },
});

/** In place: a[i] += k * a[i - 1] ** 2, front to back; the result is the sum of a. */
function chain(a: number[], k: number): number {
  let sum = a[0] as number;
  for (let i = 1; i < a.length; i++) {
    a[i]! += k * a[i - 1]! ** 2;
    sum += a[i] as number;
  }
  return sum;
}

export const chained = carrying(chain, "rv", {
  "11": {
    forward: (a: number[], k: number, sa: number[]) => {
      const value = chain(a, k);
      return { value, after: a.slice(), k, sa };
    },
    backward: ({ after, k, sa }, ct: number) => {
      let dk = 0;
      for (let i = after.length - 1; i >= 1; i--) {
        sa[i] += ct;
        dk += sa[i] * after[i - 1] ** 2;
        sa[i - 1] += sa[i] * 2 * k * after[i - 1];
      }
      sa[0] += ct;
      return dk;
    },
    jvp: (a: number[], k: number, da: number[], dk: number) => {
      let sum = a[0] as number;
      let tangent = da[0] as number;
      for (let i = 1; i < a.length; i++) {
        da[i]! += dk * a[i - 1]! ** 2 + k * 2 * a[i - 1]! * da[i - 1]!;
        a[i]! += k * a[i - 1]! ** 2;
        sum += a[i] as number;
        tangent += da[i] as number;
      }
      return { value: sum, tangent };
    },
    mutates: "10",
  },
});

/** sum over i of a[i] * b[i] after a[0] has been doubled in place: writes into a, reads b. */
export const doubledDot = carrying(
  (a: number[], b: number[]) => {
    a[0]! *= 2;
    return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  },
  "rr",
  {
    "11": {
      forward: (a: number[], b: number[], sa: number[], sb: number[]) => {
        a[0]! *= 2;
        return { value: a.reduce((sum, x, i) => sum + x * b[i]!, 0), after: a.slice(), b: b.slice(), sa, sb };
      },
      backward: ({ after, b, sa, sb }, ct: number) => {
        for (let i = 0; i < after.length; i++) {
          sa[i] += ct * b[i];
          sb[i] += ct * after[i];
        }
        sa[0] *= 2;
      },
      mutates: "10",
    },
  },
);

/** a.map((v) => v * k): a by-reference result with its own shadow. */
export const scaled = carrying((a: number[], k: number) => a.map((v) => v * k), "rv", {
  "11": {
    forward: (a: number[], k: number, sa: number[]) => {
      const value = a.map((v) => v * k);
      return { value, shadow: $pb.zeroShadow(value), a: a.slice(), k, sa };
    },
    backward: ({ shadow, a, k, sa }, _ct) => {
      let dk = 0;
      for (let i = 0; i < a.length; i++) {
        sa[i] += shadow[i] * k;
        dk += shadow[i] * a[i];
      }
      $pb.clearShadow(shadow);
      return dk;
    },
    jvp: (a: number[], k: number, da: number[], dk: number) => ({
      value: a.map((v) => v * k),
      tangent: a.map((v, i) => v * dk + (da[i] as number) * k),
    }),
  },
});

/** The identity on objects: the result's shadow is the argument's. */
export const same = carrying(<T>(x: T): T => x, "u", {
  "1": {
    forward: (x, sx) => ({ value: x, shadow: sx }),
    backward: ({ shadow }, ct) => (shadow === undefined ? ct : undefined),
  },
});

/** x * the sum of the rest. */
export const timesRest = carrying((x: number, ...others: number[]) => x * others.reduce((a, b) => a + b, 0), "vr", {
  "11": {
    forward: (x: number, others: number[], so: number[]) => {
      const sum = others.reduce((a, b) => a + b, 0);
      return { value: x * sum, x, sum, so };
    },
    backward: ({ x, sum, so }, ct: number) => {
      for (let i = 0; i < so.length; i++) so[i] += ct * x;
      return ct * sum;
    },
    jvp: (x: number, others: number[], dx: number, dOthers: number[]) => {
      const total = (list: number[]) => list.reduce((a, b) => a + b, 0);
      return { value: x * total(others), tangent: dx * total(others) + x * total(dOthers) };
    },
  },
}, { rest: true });

/** Two kinds of element, met through one interface. */
export interface Element {
  energy(x: number): number;
}

export class Spring implements Element {
  static readonly [struct] = { fields: { k: "v", rest: "v" } } as const;
  constructor(
    public k: number,
    public rest: number,
    public readonly name: string,
    public uses = 0,
  ) {}
  energy(x: number) {
    return 0.5 * this.k * (x - this.rest) ** 2;
  }
}

$pb.attach(Spring.prototype.energy, {
  abi: 1,
  name: "energy",
  kinds: "rv",
  receiver: true,
  variants: {
    "11": {
      forward: (self: Spring, x: number, shadow) => ({ value: self.energy(x), k: self.k, d: x - self.rest, shadow0: shadow }),
      backward: ({ k, d, shadow0 }, ct: number) => {
        shadow0.k += ct * 0.5 * d * d;
        shadow0.rest -= ct * k * d;
        return ct * k * d;
      },
    },
  },
});

/** Charge's code has only a variant for both, and its method ignores a second argument. */
export class Charge implements Element {
  static readonly [struct] = { fields: { q: "v" } } as const;
  constructor(public q: number) {}
  energy(x: number) {
    return this.q ** 2 / x;
  }
}

$pb.attach(Charge.prototype.energy, {
  abi: 1,
  name: "energy",
  kinds: "rv",
  receiver: true,
  variants: {
    "11": {
      forward: (self: Charge, x: number, shadow) => ({ value: self.energy(x), q: self.q, x, into: shadow }),
      backward: ({ q, x, into }, ct: number) => {
        into.q += (ct * 2 * q) / x;
        return (-ct * q * q) / (x * x);
      },
    },
  },
});

/** The sum of the elements' energies: dynamic dispatch inside a loop. */
const total = (elements: readonly Element[], x: number) => elements.reduce((sum, element) => sum + element.energy(x), 0);

export const totalEnergy = carrying(total, "rv", {
  "11": {
    forward: (elements: Element[], x: number, shadows: any[]) => {
      let value = 0;
      const calls: { code: Variant; frame: any }[] = [];
      for (let i = 0; i < elements.length; i++) {
        const element = elements[i] as Element;
        const code = $pb.variant(element.energy, "11", "rv");
        const frame = code.forward(element, x, shadows[i]);
        calls.push({ code, frame });
        value += frame.value;
      }
      return { value, calls };
    },
    backward: ({ calls }, ct: number) => {
      let dx = 0;
      for (const { code, frame } of calls) dx += code.backward(frame, ct);
      return dx;
    },
  },
});
