/** Descriptors of compiled classes, and instances of classes with `#` fields made without running a constructor. */
import { type Any, type StructDescriptor, struct } from "../protocol/index.ts";

type AnyClass = { prototype: object } & (new (...args: unknown[]) => object);
/** Reads and writes one `#` field, written where the class body ends. */
type Accessors = readonly [get: (object: Any) => unknown, set: (object: Any, value: unknown) => void];

interface CompiledDescriptor extends StructDescriptor {
  /** `#` fields by name, inherited ones included. */
  readonly privates: Readonly<Record<string, Accessors>>;
  /** Whether the class itself has `#` names, so that only its construction brings them. */
  readonly stamps: boolean;
}

/** Describes a class: its differentiable fields and, for a class with `#` names, how to reach its `#` fields. */
export function describeStruct(
  type: AnyClass,
  fields: StructDescriptor["fields"],
  own?: Record<string, Accessors>,
): void {
  const inherited: CompiledDescriptor | undefined = Object.getPrototypeOf(type)?.[struct];
  const privates = { ...inherited?.privates, ...own };
  const plain = { fields, privates, stamps: own !== undefined };
  const descriptor: CompiledDescriptor =
    own === undefined && Object.keys(privates).length === 0 && inherited?.clone === undefined
      ? plain
      : {
          ...plain,
          get: (object, field) => (field in privates ? privates[field]![0](object) : (object as Any)[field]),
          set: (object, field, value) => {
            if (field in privates) privates[field]![1](object, value);
            else (object as Any)[field] = value;
          },
          clone: (object) => cloneOf(object, privates),
        };
  Object.defineProperty(type, struct, { value: descriptor, configurable: true });
}

function cloneOf(object: object, privates: CompiledDescriptor["privates"]): object {
  const copy = allocate(object.constructor as AnyClass);
  Object.assign(copy, object);
  for (const [get, set] of Object.values(privates)) set(copy, get(object));
  return copy;
}

/** Stands for every argument while an instance is allocated; anything may be read from it and called on it. */
const token: Any = new Proxy(() => token, {
  get: (_, key) =>
    key === Symbol.iterator ? () => [][Symbol.iterator]() : key === Symbol.toPrimitive ? () => 0 : token,
  construct: () => token,
});
const tokens = new Array(32).fill(token);

/** Whether a constructor has been called for the `#` names alone that it brings: compiled ones then return at once. */
export function isAllocating(argument: unknown): boolean {
  return argument === token;
}

/** An instance whose fields are for the caller to fill in; its `#` names are there. */
export function allocate(type: AnyClass): object {
  const stamping: AnyClass[] = [];
  for (let at: Any = type; typeof at === "function" && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, struct) && at[struct].stamps) stamping.unshift(at);
  }
  let object: object | undefined;
  for (const part of stamping) {
    const parent = Object.getPrototypeOf(part);
    if (parent === Function.prototype) {
      object = Reflect.construct(part, tokens, type);
      continue;
    }
    // The part's own fields are added to what its parent's constructor returns: for this once, to our object.
    const target: object = object ?? Object.create(type.prototype);
    object = target;
    Object.setPrototypeOf(part, function stamp() {
      return target;
    });
    try {
      Reflect.construct(part, tokens, type);
    } finally {
      Object.setPrototypeOf(part, parent);
    }
  }
  return object ?? Object.create(type.prototype);
}
