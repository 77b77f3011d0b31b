/**
 * What a value is to the walkers, and what its slots are. One place decides it for zero tangents, shadows, moves and
 * tangent algebra alike, so that all of them see the same structure in models and in tangents.
 */
import { type Any, isLeaf, type Shape, type StructDescriptor, struct } from "../protocol/index.ts";

/** `floats` is a typed float array; `none` has no tangent. */
export type Structure = "number" | "leaf" | "floats" | "array" | "map" | "struct" | "none";

export type FloatArray = Float32Array | Float64Array;

/** Built-in objects without differentiable content, by `Symbol.toStringTag` or constructor (realms differ in identity). */
const opaque = new Set([
  "Date",
  "RegExp",
  "Set",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "Promise",
  "ArrayBuffer",
  "SharedArrayBuffer",
  "Error",
]);

export function structureOf(value: unknown): Structure {
  if (typeof value === "number") return "number";
  if (typeof value !== "object" || value === null) return "none";
  if (Array.isArray(value)) return "array";
  if (isLeaf(value)) return "leaf";
  if (ArrayBuffer.isView(value)) return isFloatArray(value) ? "floats" : "none";
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return "struct";
  const tag = (value as Any)[Symbol.toStringTag];
  if (tag === "Map") return "map";
  if (typeof tag === "string" && opaque.has(tag)) return "none";
  const name = prototype.constructor?.name;
  return name !== undefined && opaque.has(name) && descriptorOf(value) === undefined ? "none" : "struct";
}

function isFloatArray(view: ArrayBufferView): view is FloatArray {
  const tag = (view as Any)[Symbol.toStringTag];
  return tag === "Float64Array" || tag === "Float32Array";
}

/** Whether a value is by reference: its cotangent accumulates in a shadow. */
export function isByReference(value: unknown): boolean {
  const structure = structureOf(value);
  return structure !== "none" && structure !== "number" && structure !== "leaf";
}

/** The descriptor of the value's class, inherited ones included. */
export function descriptorOf(value: object): StructDescriptor | undefined {
  const type = Object.getPrototypeOf(value)?.constructor;
  return typeof type === "function" ? type[struct] : undefined;
}

/** The fields that may be differentiable: those of the shape, of the class's descriptor, else all enumerable ones. */
export function fieldsOf(value: object, shape?: Shape): readonly string[] {
  if (typeof shape === "object" && "fields" in shape) return Object.keys(shape.fields);
  const descriptor = descriptorOf(value);
  return descriptor === undefined ? Object.keys(value) : Object.keys(descriptor.fields);
}

/** The shape of one field. */
export function fieldShape(value: object, field: string, shape?: Shape): Shape {
  if (typeof shape === "object") {
    if ("fields" in shape) return shape.fields[field] ?? "-";
    if ("items" in shape) return shape.items;
  }
  const descriptor = descriptorOf(value);
  return descriptor === undefined ? "u" : (descriptor.fields[field] ?? "-");
}

/** The shape of one element of an array, or value of a Map. */
export function elementShape(shape: Shape | undefined, index: number): Shape {
  if (typeof shape !== "object") return "u";
  if ("items" in shape) return shape.items;
  return "tuple" in shape ? (shape.tuple[index] ?? "-") : "u";
}

export function getField(value: object, field: string): unknown {
  const descriptor = descriptorOf(value);
  return descriptor?.get === undefined ? (value as Any)[field] : descriptor.get(value, field);
}

export function setField(value: object, field: string, content: unknown): void {
  const descriptor = descriptorOf(value);
  if (descriptor?.set === undefined) (value as Any)[field] = content;
  else descriptor.set(value, field, content);
}
