export { tangent } from "./algebra.ts";
export { move, moved } from "./move.ts";
export { ofPrimal, primalOf } from "./primal.ts";
export { zeroTangent } from "./zero.ts";
