export { accessor, isAccessor } from "./accessor.ts";
export { attach, carry, compiled, derivativeOf, requireDerivative } from "./carrier.ts";
export { type Getter, getter, registerDerivative } from "./register.ts";
