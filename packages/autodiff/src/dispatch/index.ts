export { jvp, jvpOf } from "./jvp.ts";
export { parametersOf } from "./registered.ts";
export { method, variant, variantOf } from "./variant.ts";
