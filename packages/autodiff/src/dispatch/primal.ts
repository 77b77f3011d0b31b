/** The function itself, in the form in which what it does to the world is written down. */
import { logged, onceFound, type Runs, untraced } from "../effects/index.ts";
import type { Any, AnyFunction, Derivative } from "../protocol/index.ts";
import { derivativeOf } from "../registry/index.ts";

/** Only a function that has effects is compiled for no parameter at all. */
const recorded = ({ kinds, variants }: Derivative) => variants["0".repeat(kinds.length)]?.jvp;

/** The first run of `f`: its arguments as its derivatives take them, the receiver first, a rest parameter as one array. */
export function runOf(f: AnyFunction, carried: Derivative): (runs: Runs, args: readonly Any[]) => Any {
  const code = recorded(carried);
  if (code !== undefined) return (runs, args) => runs.first(() => code(...args).value);
  return (_, args) => {
    untraced();
    const plain = carried.rest === true ? [...args.slice(0, -1), ...args[args.length - 1]] : args;
    return carried.receiver === true ? f.apply(plain[0], plain.slice(1)) : f(...plain);
  };
}

/** A function found at run time, for a call that is not differentiated: `spread` when a rest parameter's arguments are. */
export function primal(f: Any, receiver?: unknown): AnyFunction {
  if (logged() === undefined || typeof f !== "function") return receiver === undefined ? f : f.bind(receiver);
  const carried = derivativeOf(f);
  const code = carried === undefined ? undefined : recorded(carried);
  if (carried === undefined)
    return (...args) => onceFound(() => f.apply(receiver, args), receiver === undefined ? args : [receiver, ...args]);
  if (code === undefined) return receiver === undefined ? f : f.bind(receiver);
  return (...given) => {
    const args = carried.receiver === true ? [receiver, ...given] : given;
    const fixed = carried.kinds.length - (carried.rest === true ? 1 : 0);
    const own = args.slice(0, fixed);
    while (own.length < fixed) own.push(undefined);
    return code(...own, ...(carried.rest === true ? [args.slice(fixed)] : [])).value;
  };
}
