export { accumulate, add } from "./accumulate.ts";
export { clearShadow, takeShadow, tangentOf, zeroTangent } from "./take.ts";
export { adjointIn, shadowIn, slotFor, zeroNumbers, zeroShadow } from "./zero.ts";
