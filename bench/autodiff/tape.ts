/** The peer: reverse mode the way tracing libraries do it, one closure per operation on a tape. */

let tape: (() => void)[] = [];

export class Traced {
  adjoint = 0;
  constructor(readonly value: number) {}
}

export const lift = (x: Traced | number) => (typeof x === "number" ? new Traced(x) : x);

function unary(x: Traced, value: number, partial: number): Traced {
  const y = new Traced(value);
  tape.push(() => {
    x.adjoint += y.adjoint * partial;
  });
  return y;
}

export function add(a: Traced, b: Traced | number): Traced {
  if (typeof b === "number") return unary(a, a.value + b, 1);
  const y = new Traced(a.value + b.value);
  tape.push(() => {
    a.adjoint += y.adjoint;
    b.adjoint += y.adjoint;
  });
  return y;
}

export function sub(a: Traced, b: Traced | number): Traced {
  if (typeof b === "number") return unary(a, a.value - b, 1);
  const y = new Traced(a.value - b.value);
  tape.push(() => {
    a.adjoint += y.adjoint;
    b.adjoint -= y.adjoint;
  });
  return y;
}

export function mul(a: Traced, b: Traced | number): Traced {
  if (typeof b === "number") return unary(a, a.value * b, b);
  const y = new Traced(a.value * b.value);
  tape.push(() => {
    a.adjoint += y.adjoint * b.value;
    b.adjoint += y.adjoint * a.value;
  });
  return y;
}

export function div(a: Traced, b: Traced): Traced {
  const y = new Traced(a.value / b.value);
  tape.push(() => {
    a.adjoint += y.adjoint / b.value;
    b.adjoint -= (y.adjoint * y.value) / b.value;
  });
  return y;
}

export function recip(x: Traced): Traced {
  const value = 1 / x.value;
  return unary(x, value, -value * value);
}
export const sin = (x: Traced) => unary(x, Math.sin(x.value), Math.cos(x.value));
export const cos = (x: Traced) => unary(x, Math.cos(x.value), -Math.sin(x.value));
export function exp(x: Traced): Traced {
  const value = Math.exp(x.value);
  return unary(x, value, value);
}
export const log = (x: Traced) => unary(x, Math.log(x.value), 1 / x.value);
export function sqrt(x: Traced): Traced {
  const value = Math.sqrt(x.value);
  return unary(x, value, 0.5 / value);
}
export function tanh(x: Traced): Traced {
  const value = Math.tanh(x.value);
  return unary(x, value, 1 - value * value);
}

export const sigmoid = (x: Traced): Traced => {
  const value = 1 / (1 + Math.exp(-x.value));
  return unary(x, value, value * (1 - value));
};

/** Runs f and then the tape backwards from its result. */
export function tapeSweep(f: () => Traced): void {
  tape = [];
  f().adjoint = 1;
  for (let i = tape.length - 1; i >= 0; i--) (tape[i] as () => void)();
}

/** The gradient of f at the inputs, by running it on traced numbers and the tape backwards. */
export function tapeGradient(f: (...inputs: Traced[]) => Traced, inputs: readonly number[]): number[] {
  const traced = inputs.map((x) => new Traced(x));
  tapeSweep(() => f(...traced));
  return traced.map((x) => x.adjoint);
}

/** The same for a function of arrays. */
export function tapeGradientOf(
  f: (...inputs: Traced[][]) => Traced,
  ...inputs: readonly ArrayLike<number>[]
): number[][] {
  const traced = inputs.map((xs) => Array.from(xs, (x) => new Traced(x)));
  tapeSweep(() => f(...traced));
  return traced.map((xs) => xs.map((x) => x.adjoint));
}
