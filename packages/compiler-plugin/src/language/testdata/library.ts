/** A module that the tests differentiate through without any tag in it. */

export class Polynomial {
  readonly coefficients: number[];
  constructor(coefficients: number[]) {
    this.coefficients = coefficients;
  }

  /** Horner's scheme. */
  at(x: number): number {
    let value = 0;
    for (let i = this.coefficients.length - 1; i >= 0; i--) value = value * x + this.coefficients[i];
    return value;
  }
}

function square<T extends number>(x: T): number {
  return x * x;
}

export function norm(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += square(value);
  return Math.sqrt(sum);
}

/** The midpoint rule. */
export function integrate(f: (t: number) => number, from: number, to: number, steps: number): number {
  const width = (to - from) / steps;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += f(from + (i + 0.5) * width) * width;
  return sum;
}
