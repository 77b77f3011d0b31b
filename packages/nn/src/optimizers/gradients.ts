/** Brings a model and a gradient together: every parameter with the sum of its tangents. */
import { isLeaf, type Manifold, manifold, type Shape } from "@pullback/autodiff";
import { Tensor } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import { isFrozen } from "../parameters/freeze.ts";
import { isParameter } from "../parameters/named.ts";
import { isContainer, joinPath, setSlot, slotsOf } from "../parameters/slots.ts";
import { arithmeticOf, type Leaf } from "./leaf.ts";

/** One parameter of a model with its tangent. */
export interface Assigned {
  /** The first path that leads to it. */
  readonly path: string;
  /** The parameter itself; `undefined` inside a type that brings its own tangent. */
  readonly value: Leaf | undefined;
  gradient: Leaf;
  /** Moves the parameter. */
  move(step: Leaf): void;
  /** Puts another value into its place; not inside a type that brings its own tangent. */
  replace?(value: Leaf): void;
}

/**
 * Pairs the parameters of `model` with the leaves of `gradient`. An object that stands at two paths has its tangents
 * added and is paired once.
 *
 * @throws ParameterError PB7401, naming the path, when the gradient is not one of this model
 */
export function assign(model: unknown, gradient: unknown): Assigned[] {
  if (!isContainer(model)) {
    throw new ParameterError(
      `an optimizer cannot move ${model instanceof Tensor ? "a bare tensor" : `a ${typeof model}`} in place`,
      {
        code: "PB7403",
        hint: "Put it into an object: { weight }.",
      },
    );
  }
  const pairing = new Pairing();
  pairing.visit(model, gradient, "", "u");
  return [...pairing.finish()];
}

class Pairing {
  readonly #found = new Map<object, Map<string, Assigned>>();
  readonly #manifolds = new Map<object, { path: string; own: Manifold<any, any>; tangents: Leaf[] }>();
  /** The tangent objects already added for an object: one that stands at two paths of the gradient counts once. */
  readonly #visited = new Map<object, Set<unknown>>();

  visit(model: object, gradient: unknown, path: string, shape: Shape): void {
    const visited = this.#visited.get(model) ?? new Set();
    if (visited.has(gradient)) return;
    this.#visited.set(model, visited.add(gradient));

    const own = (model as { [manifold]?: Manifold<any, any> })[manifold];
    if (own !== undefined) {
      if (gradient === undefined) throw misfit(path, "the gradient has nothing there");
      if (slotsOf(model).some(({ key }) => isFrozen(model, key))) return;
      const known = this.#manifolds.get(model) ?? { path, own, tangents: [] };
      known.tangents.push(gradient);
      this.#manifolds.set(model, known);
      return;
    }

    const tangents = new Map<string, unknown>();
    if (isContainer(gradient)) for (const slot of slotsOf(gradient)) tangents.set(slot.key, slot.value);
    else if (isLeaf(gradient) || typeof gradient === "number")
      throw misfit(path, "the gradient has a leaf where the model has an object");
    for (const { key, value, shape: inner } of slotsOf(model, shape)) {
      const here = joinPath(path, key);
      const tangent = tangents.get(key);
      tangents.delete(key);
      if (inner === "-") {
        if (tangent !== undefined) throw misfit(here, "the model has no parameter there");
      } else if (isContainer(value)) this.visit(value, tangent, here, inner);
      else if (isParameter(value)) this.#pair(model, key, value, tangent, here, inner);
    }
    for (const [key, tangent] of tangents) {
      if (tangent !== undefined) throw misfit(joinPath(path, key), "the model has nothing there");
    }
  }

  #pair(container: object, key: string, value: Leaf, tangent: Leaf, path: string, shape: Shape): void {
    // A number without tangent that no descriptor calls a parameter is a hyper-parameter of plain JavaScript.
    if (tangent === undefined && typeof value === "number" && shape === "u") return;
    if (tangent === undefined) throw misfit(path, "the gradient has nothing there");
    if ((typeof tangent === "number") !== (typeof value === "number") || isContainer(tangent)) {
      throw misfit(path, "the gradient is of another type");
    }
    if (value instanceof Tensor && tangent instanceof Tensor && !sameShape(value, tangent)) {
      throw misfit(path, `the gradient has shape [${tangent.shape}], the parameter [${value.shape}]`);
    }
    if (isFrozen(container, key)) return;
    const known = this.#found.get(container) ?? new Map<string, Assigned>();
    this.#found.set(container, known);
    const before = known.get(key);
    if (before !== undefined) before.gradient = arithmeticOf(tangent).add(before.gradient, tangent);
    else
      known.set(key, {
        path,
        value,
        gradient: tangent,
        move: (step) => setSlot(container, key, moved(value, step)),
        replace: (next) => setSlot(container, key, next),
      });
  }

  *finish(): Generator<Assigned> {
    for (const parameters of this.#found.values()) yield* parameters.values();
    for (const [model, { path, own, tangents }] of this.#manifolds) yield* onManifold(model, path, own, tangents);
  }
}

/** The leaves of the tangent of a type that brings its own; the last one to get its step moves the value. */
function onManifold(model: object, path: string, own: Manifold<any, any>, tangents: readonly Leaf[]): Assigned[] {
  const flat = tangents.map((tangent) => leavesOf(tangent, path));
  const steps = new Map<string, Leaf>();
  return flat[0].map(({ path: at, leaf }, i) => ({
    path: at,
    value: undefined,
    gradient: flat.slice(1).reduce((sum, other) => arithmeticOf(leaf).add(sum, other[i].leaf), leaf),
    move(step: Leaf) {
      steps.set(at, step);
      if (steps.size === flat[0].length) own.move(model, rebuilt(tangents[0], path, steps));
    },
  }));
}

function leavesOf(tangent: unknown, path: string): { path: string; leaf: Leaf }[] {
  if (!isContainer(tangent)) return tangent === undefined ? [] : [{ path, leaf: tangent }];
  return slotsOf(tangent).flatMap(({ key, value }) => leavesOf(value, joinPath(path, key)));
}

function rebuilt(tangent: unknown, path: string, leaves: ReadonlyMap<string, Leaf>): Leaf {
  if (!isContainer(tangent)) return leaves.get(path);
  const entries = slotsOf(tangent).map(({ key, value }) => [key, rebuilt(value, joinPath(path, key), leaves)] as const);
  return Array.isArray(tangent) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** A parameter one step further, in its own dtype. */
function moved(value: Leaf, step: Leaf): Leaf {
  if (!(value instanceof Tensor) || value.dtype === step.dtype) return arithmeticOf(value).add(value, step);
  return value.cast(step.dtype).add(step).cast(value.dtype);
}

const sameShape = (a: Tensor, b: Tensor): boolean =>
  a.rank === b.rank && a.shape.every((extent, i) => extent === b.shape[i]);

function misfit(path: string, what: string): ParameterError {
  return new ParameterError(`the gradient does not fit the model at "${path}": ${what}`, {
    code: "PB7401",
    path,
    hint: "Give update(model, gradient) the gradient with respect to this very model.",
  });
}
