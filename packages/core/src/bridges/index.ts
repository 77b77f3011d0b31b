/** To and from the tensors of other libraries. */
export { fromTfjs, type TfjsFunction, tfjsFunction, toTfjs } from "./tfjs.ts";
