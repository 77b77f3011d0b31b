export {
  descriptorOf,
  elementShape,
  type FloatArray,
  fieldShape,
  fieldsOf,
  getField,
  isByReference,
  type Structure,
  setField,
  structureOf,
} from "./kinds.ts";
export { holdsNumbers, type NumberFields, numberFieldsOf } from "./number-fields.ts";
