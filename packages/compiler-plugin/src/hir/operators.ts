/** Keys of the functions that differential operators make of functions: `gradient(f)` is a function of the program too. */

/** Operators whose result can be differentiated again. */
export const nestable = ["gradient", "derivative"] as const;

export type Nestable = (typeof nestable)[number];

/** What an operator is applied to, and with respect to which parameters: "" for all, "0" bare, "[0,2]" a tuple. */
export interface Application {
  readonly operator: Nestable;
  readonly of: string;
  readonly wrt: string;
}

const mark = "\u00a7";

/** The key of `operator(f)`, f being the function with key `of`. */
export function applicationKey({ operator, of, wrt }: Application): string {
  return `${of}${mark}${operator}${wrt === "" ? "" : ` ${wrt}`}`;
}

/** What a key made by `applicationKey` says; undefined for the key of a function that the program declares. */
export function applicationOf(key: string): Application | undefined {
  const at = key.lastIndexOf(mark);
  if (at < 0) return undefined;
  const [operator, wrt = ""] = key.slice(at + 1).split(" ");
  return { operator: operator as Nestable, of: key.slice(0, at), wrt };
}

/** How the runtime names it among the operators of a carrier. */
export function applicationName({ operator, wrt }: Application): string {
  return wrt === "" ? operator : `${operator} ${wrt}`;
}
