export { jvp, jvpOf } from "./jvp.ts";
export { parametersOf } from "./registered.ts";
export { variant, variantOf } from "./variant.ts";
