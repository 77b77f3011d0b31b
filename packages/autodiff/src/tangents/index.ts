export { tangent } from "./algebra.ts";
export { move, moved } from "./move.ts";
export { zeroTangent } from "./zero.ts";
