export { accumulate, add } from "./accumulate.ts";
export { clearShadow, takeShadow, tangentOf, zeroTangent } from "./take.ts";
export { zeroNumbers, zeroShadow } from "./zero.ts";
