/**
 * The property keys of the protocol. They live in the global symbol registry, so that duplicate copies of a package
 * (two versions in one program, a bundle beside a module) agree on them.
 */

/** On a leaf type's prototype: its `VectorLeaf`. */
export const vector: unique symbol = Symbol.for("pullback.vector");

/** On a leaf type's prototype: its `PointwiseLeaf`. */
export const pointwise: unique symbol = Symbol.for("pullback.pointwise");

/** On a type's prototype: its `StorageLeaf`, where temporaries are to be freed before the garbage collector would. */
export const release: unique symbol = Symbol.for("pullback.release");

/** On a function: its `Derivative`. */
export const derivative: unique symbol = Symbol.for("pullback.derivative");

/** On a class: its `StructDescriptor`. */
export const struct: unique symbol = Symbol.for("pullback.struct");

/** On a type's prototype: its `Manifold`, when the type brings its own tangent. */
export const manifold: unique symbol = Symbol.for("pullback.manifold");
