/** `checkpoint(f)`: trade time for memory by running f again in the reverse sweep instead of keeping what it saved. */
import { jvpOf, runOf, variantOf } from "../dispatch/index.ts";
import { Runs } from "../effects/index.ts";
import type { Any, AnyFunction, Derivative, Frame, Variant } from "../protocol/index.ts";
import { attach, derivativeOf } from "../registry/index.ts";
import { drop, leavesOf } from "../releases/index.ts";
import { accumulate, takeShadow, zeroShadow } from "../shadows/index.ts";
import { isByReference } from "../structure/index.ts";
import type { DifferentiableFunction } from "../types/index.ts";

/**
 * A function that computes what `f` computes and keeps only f's arguments for the reverse sweep, which runs f again.
 * The second run sees the arguments, the objects they hold and the random generator as the first run did, and its
 * writes to them are undone, so that the gradient is the same bit for bit and every write happens once.
 *
 * f must not store a by-reference argument, or an object it makes, in another argument.
 */
export function checkpoint<F extends AnyFunction>(f: DifferentiableFunction<F>): DifferentiableFunction<F> {
  const wrapper = function (this: unknown, ...args: unknown[]) {
    return f.apply(this, args);
  } as unknown as F;
  const carried = derivativeOf(f);
  // A function of any number of numbers (Math.max) keeps nothing worth computing again.
  if (carried?.registered?.variadic) return f;
  if (carried !== undefined) {
    const { name, kinds, shapes, resultShape, rest, receiver, environment } = carried;
    const derive = (mask: string) => recomputing(f, carried, mask);
    const own: Derivative = {
      abi: 1,
      name: `checkpoint(${name})`,
      kinds,
      variants: {},
      shapes,
      resultShape,
      rest,
      receiver,
      environment,
      derive,
      // Forward mode keeps nothing, so there is nothing to compute again.
      deriveJvp: (mask) => jvpOf(carried, mask),
    };
    attach(wrapper, own);
  }
  return wrapper;
}

interface CheckpointFrame extends Frame {
  readonly call: readonly Any[];
  readonly runs: Runs;
}

function recomputing(f: AnyFunction, carried: Derivative, mask: string): Variant {
  const code = variantOf(carried, mask);
  const arity = mask.length;
  const run = runOf(f, carried);
  const seen = (call: readonly Any[]) => [...call.slice(0, arity), ...(carried.environment?.() ?? [])];
  return {
    forward(...call: Any[]): CheckpointFrame {
      const runs = new Runs(() => seen(call));
      const value = run(runs, call.slice(0, arity));
      const shadow = isByReference(value) ? zeroShadow(value, carried.resultShape) : undefined;
      return { value, shadow, held: leavesOf(call.slice(0, arity)), call, runs };
    },
    backward({ value, shadow, call, runs }: CheckpointFrame, cotangent: Any): Any {
      return runs.again(() => {
        const frame = code.forward(...call);
        if (shadow !== undefined) accumulate(frame.shadow, takeShadow(shadow, value, carried.resultShape));
        const cotangents = code.backward(frame, cotangent);
        drop(frame);
        return cotangents;
      });
    },
    mutates: code.mutates,
  };
}
