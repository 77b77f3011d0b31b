/** The part of Node's `util` that TensorFlow.js asks for when a bundle made for browsers runs under Node. */
const is = (type: new (...args: never[]) => unknown) => (value: unknown) => value instanceof type;

export const { TextEncoder, TextDecoder } = globalThis;
export const types = {
  isFloat32Array: is(Float32Array),
  isInt32Array: is(Int32Array),
  isUint8Array: is(Uint8Array),
  isUint8ClampedArray: is(Uint8ClampedArray),
};
