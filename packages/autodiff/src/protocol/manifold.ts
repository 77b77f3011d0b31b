/**
 * Types that bring their own tangent: a rotation stored as a quaternion has three degrees of freedom, not four.
 * The compiler differentiates such a type through its fields like any other; the manifold turns the result into the
 * type's own tangent at the surface, and moves a value along one.
 *
 * ```ts
 * class Angle {
 *   constructor(public cos: number, public sin: number) {}
 *   get [manifold](): Manifold<Angle, number> { return angleManifold; }
 * }
 * const angleManifold: Manifold<Angle, number> = {
 *   zero: () => 0,
 *   project: (x, field) => field.sin * x.cos - field.cos * x.sin,   // J^T field, with J = d move(x, t) / dt at t = 0
 *   embed: (x, t) => ({ cos: -x.sin * t, sin: x.cos * t }),         // a field cotangent that project maps to t
 *   move(x, t) { [x.cos, x.sin] = [x.cos * Math.cos(t) - x.sin * Math.sin(t), x.sin * Math.cos(t) + x.cos * Math.sin(t)]; },
 * };
 * ```
 */
import { manifold } from "./symbols.ts";

/** `Self` is the type, `Tangent` its tangent, itself any tangent tree (a number, a leaf, an object of them). */
export interface Manifold<Self, Tangent> {
  /** The zero tangent at x. */
  zero(x: Self): Tangent;
  /** Moves x in place along t (a retraction). */
  move(x: Self, t: Tangent): void;
  /**
   * Turns the cotangent by fields that differentiation computed into a cotangent of the tangent space at x:
   * the transpose of d move(x, t) / dt at t = 0.
   */
  project(x: Self, fields: any): Tangent;
  /** A cotangent by fields which `project` maps to t; needed only where a value of the type is a function's result. */
  embed?(x: Self, t: Tangent): unknown;
}

/** The manifold of a value whose type brings one, else undefined. */
export function manifoldOf(value: object): Manifold<unknown, unknown> | undefined {
  return (value as { [manifold]?: Manifold<unknown, unknown> })[manifold];
}
