/**
 * Functions that say something to the compiler about a value or a function. Run plainly they change nothing.
 */
import type { Any, AnyFunction } from "../protocol/index.ts";
import { registerDerivative } from "../registry/index.ts";
import { hold, ownTree, ticked } from "../releases/index.ts";
import type { DifferentiableFunction, TangentVector } from "../types/index.ts";

/** Returns `x`; its derivative is zero, so nothing upstream of it receives a cotangent. */
export function withoutDerivative<T>(x: T): T {
  return x;
}

registerDerivative(withoutDerivative<Any>, {
  vjp: (x: Any) => ({ value: x, pullback: () => undefined }),
  jvp: (x: Any) => ({ value: x, differential: () => undefined as Any }),
  wrt: [],
});

/** Returns `x`; in a reverse sweep its cotangent is passed through `change`, to look at it or to replace it. */
export function withDerivative<T>(x: T, change: (cotangent: TangentVector<T>) => TangentVector<T> | undefined): T {
  void change;
  return x;
}

registerDerivative(withDerivative<Any>, {
  vjp: (x: Any, change: (cotangent: Any) => Any) => ({
    value: x,
    pullback(cotangent: Any) {
      // What looks at a cotangent may keep it, and what it answers with.
      hold(cotangent);
      const since = ticked();
      const changed = change(cotangent);
      ownTree(changed, since);
      return changed;
    },
  }),
  jvp: (x: Any) => ({ value: x, differential: (tangent: Any) => tangent }),
  wrt: [0],
});

/**
 * Makes a function carry its derivative: the compiler attaches it where it sees this call. Returns `f` itself.
 */
export function differentiable<F extends AnyFunction>(f: F): DifferentiableFunction<F> {
  return f;
}
