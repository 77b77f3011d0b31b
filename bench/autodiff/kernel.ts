/** What a row of the table needs: the same gradient four ways, at a point that may depend on the number of the call. */
export interface Kernel {
  readonly name: string;
  readonly primal: (call: number) => number;
  /** Written by a person in two sweeps, as fast as they know how. */
  readonly handWritten: (call: number) => unknown;
  /** What the compiler made of the primal. */
  readonly compiled: (call: number) => unknown;
  readonly tape: (call: number) => unknown;
}

/** The numbers of a gradient in a fixed order, whatever holds them: arrays, typed arrays, objects by name of field. */
export function numbers(tangent: unknown): number[] {
  if (typeof tangent === "number") return [tangent];
  if (ArrayBuffer.isView(tangent)) return [...(tangent as Float64Array)];
  if (Array.isArray(tangent)) return tangent.flatMap(numbers);
  if (typeof tangent !== "object" || tangent === null) throw new Error(`${String(tangent)} in a gradient`);
  return Object.entries(tangent)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, value]) => numbers(value));
}

/** Three routes to one gradient must agree before any of them is timed. */
export function agree(kernel: Kernel): void {
  const expected = numbers(kernel.handWritten(0));
  const scale = expected.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  for (const [name, tangent] of [
    ["compiled", kernel.compiled(0)],
    ["tape", kernel.tape(0)],
  ] as const) {
    const found = numbers(tangent);
    if (found.length !== expected.length)
      throw new Error(`${kernel.name}: ${name} has ${found.length} entries, hand-written ${expected.length}`);
    expected.forEach((value, i) => {
      if (!(Math.abs(value - (found[i] as number)) <= 1e-10 * scale))
        throw new Error(`${kernel.name}: ${name} gives ${found[i]} at ${i}, hand-written ${value}`);
    });
  }
}
