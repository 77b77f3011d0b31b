/** `checkpoint(f)`: trade time for memory by running f again in the reverse sweep instead of keeping what it saved. */
import { jvpOf, variantOf } from "../dispatch/index.ts";
import type { Any, AnyFunction, Derivative, Frame, Variant } from "../protocol/index.ts";
import { attach, derivativeOf } from "../registry/index.ts";
import { drop, leavesOf } from "../releases/index.ts";
import { accumulate, takeShadow, zeroShadow } from "../shadows/index.ts";
import { isByReference } from "../structure/index.ts";
import type { DifferentiableFunction } from "../types/index.ts";
import { capture, type Snapshot } from "./snapshot.ts";

/** State outside the arguments that a recomputation must see as it was, such as a default random generator. */
export interface CheckpointedState<S = unknown> {
  save(): S;
  restore(state: S): void;
}

const stateKey = Symbol.for("pullback.checkpointedState");

/** Every piece of state that checkpoints protect; kept globally so that duplicate copies of this package agree. */
export function checkpointedStates(): Set<CheckpointedState> {
  const holder = globalThis as { [stateKey]?: Set<CheckpointedState> };
  holder[stateKey] ??= new Set();
  return holder[stateKey];
}

/** Registers state that every `checkpoint` saves before running f and restores around running it again. */
export function checkpointedState<S>(state: CheckpointedState<S>): void {
  checkpointedStates().add(state as CheckpointedState);
}

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
  readonly before: Snapshot;
}

function recomputing(f: AnyFunction, carried: Derivative, mask: string): Variant {
  const code = variantOf(carried, mask);
  const arity = mask.length;
  const receiver = carried.receiver === true;
  const run = (args: readonly Any[]) => {
    const plain = carried.rest ? [...args.slice(0, arity - 1), ...args[arity - 1]] : args.slice(0, arity);
    return receiver ? f.apply(plain[0], plain.slice(1)) : f(...plain);
  };
  const seen = (call: readonly Any[]) => [...call.slice(0, arity), ...(carried.environment?.() ?? [])];
  return {
    forward(...call: Any[]): CheckpointFrame {
      const before = capture(seen(call), checkpointedStates());
      const value = run(call);
      const shadow = isByReference(value) ? zeroShadow(value, carried.resultShape) : undefined;
      return { value, shadow, held: leavesOf(call.slice(0, arity)), call, before };
    },
    backward({ value, shadow, call, before }: CheckpointFrame, cotangent: Any): Any {
      const now = capture(seen(call), checkpointedStates());
      before.restore();
      try {
        const frame = code.forward(...call);
        if (shadow !== undefined) accumulate(frame.shadow, takeShadow(shadow, value, carried.resultShape));
        const cotangents = code.backward(frame, cotangent);
        drop(frame);
        return cotangents;
      } finally {
        now.restore();
      }
    },
    mutates: code.mutates,
  };
}
