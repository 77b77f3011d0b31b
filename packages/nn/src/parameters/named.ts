/** The parameters of a model by field path. */
import { isLeaf, type Shape, vector } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { isContainer, joinPath, setSlot, shallowCopy, slotsOf } from "./slots.ts";

/** A value that an optimizer can move: a Tensor of floating type, a number, or any other leaf. */
export type Parameter = Tensor | number;

/** Where a parameter stands. */
export interface Place {
  readonly path: string;
  readonly container: object;
  readonly key: string;
  readonly value: unknown;
}

/** Whether a value takes part in derivatives: integer and boolean tensors do not. */
export function isParameter(value: unknown): boolean {
  if (typeof value === "number") return true;
  return isLeaf(value) && value[vector].differentiable?.(value) !== false;
}

/** Every place of a parameter, in field order; an object that stands at two paths is visited at the first. */
export function* parameterPlaces(model: unknown, path = "", shape?: Shape, seen = new Set<object>()): Generator<Place> {
  if (!isContainer(model) || seen.has(model)) return;
  seen.add(model);
  for (const { key, value, shape: inner } of slotsOf(model, shape)) {
    if (inner === "-") continue;
    const here = joinPath(path, key);
    if (isParameter(value)) yield { path: here, container: model, key, value };
    else yield* parameterPlaces(value, here, inner, seen);
  }
}

/**
 * The parameters of a model by field path (`layers.0.weight`), in field order. A layer that stands at two paths (a tie)
 * is named once, by the first. Buffers and hyper-parameters are not parameters.
 */
export function namedParameters(model: unknown): Map<string, Parameter> {
  const named = new Map<string, Parameter>();
  for (const { path, value } of parameterPlaces(model)) named.set(path, value as Parameter);
  return named;
}

/** The number of scalars in all parameters; ties count once. */
export function parameterCount(model: unknown): number {
  let count = 0;
  for (const value of namedParameters(model).values()) count += typeof value === "number" ? 1 : (value.size ?? 1);
  return count;
}

/** A copy of a model: containers are copied, ties kept, immutable values (tensors, functions) shared. */
export function copy<Model>(model: Model): Model {
  return copyOf(model, new Map()) as Model;
}

function copyOf(value: unknown, made: Map<object, object>): unknown {
  if (!isContainer(value)) return value;
  const known = made.get(value);
  if (known !== undefined) return known;
  const result = shallowCopy(value);
  made.set(value, result);
  for (const { key, value: content } of slotsOf(value)) {
    if (isContainer(content)) setSlot(result, key, copyOf(content, made));
  }
  return result;
}

/** A copy of a model whose parameters are `f(parameter, path)`, each called once; ties are kept. */
export function mapParameters<Model>(model: Model, f: (parameter: Parameter, path: string) => Parameter): Model {
  const mapped = copy(model);
  for (const { path, container, key, value } of parameterPlaces(mapped))
    setSlot(container, key, f(value as Parameter, path));
  return mapped;
}
