export { accumulate, add } from "./accumulate.ts";
export { type Extent, extentOf, withinExtent } from "./extent.ts";
export { clearShadow, takeShadow, tangentOf, zeroTangent } from "./take.ts";
export { rejoin, twins } from "./twins.ts";
export { adjointIn, copiedShadow, shadowIn, slotFor, uncopy, zeroNumbers, zeroShadow } from "./zero.ts";
