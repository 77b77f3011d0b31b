/** What a row of the table needs: the same gradient four ways, at a point that may depend on the number of the call. All of them return the same numbers (checked before timing). */
export interface Kernel {
  readonly name: string;
  readonly primal: (call: number) => number;
  /** Written by a person in two sweeps, as fast as they know how. */
  readonly handWritten: (call: number) => readonly number[];
  /** What the compiler made of the primal. */
  readonly compiled: (call: number) => readonly number[];
  readonly tape: (call: number) => readonly number[];
}
