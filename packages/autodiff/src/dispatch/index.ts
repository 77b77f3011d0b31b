export { rule, tree, wholeTangent, withCode } from "./again.ts";
export { jvp, jvpOf, methodJvp } from "./jvp.ts";
export { primal, runOf } from "./primal.ts";
export { parametersOf } from "./registered.ts";
export { settled } from "./settled.ts";
export { method, variant, variantOf } from "./variant.ts";
