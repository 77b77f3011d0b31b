/** To and from the tensors of other libraries. */
export { fromTfjs, tfjsFunction, toTfjs } from "./tfjs.ts";
