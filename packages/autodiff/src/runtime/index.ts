/**
 * What generated code calls: `import * as $pb from "@pullback/autodiff/runtime"`. Stable; the contract is
 * docs/internals/derivatives-at-run-time.md.
 */

export {
  jvp,
  method,
  methodJvp,
  primal,
  rule,
  settled,
  tree,
  variant,
  wholeTangent,
  withCode,
} from "../dispatch/index.ts";
export { effectLog, enter, leave, logged, once, reset, touch } from "../effects/index.ts";
export { capture, restore } from "../operators/again.ts";
export { applied } from "../operators/applied.ts";
export { assembledRows, rowsInto, sizeOfLeaf, unitOfLeaf } from "../operators/jacobian.ts";
export { seed } from "../operators/seed.ts";
export { accessor, attach, carry, compiled, derivativeOf, isAccessor } from "../registry/index.ts";
export { drop, held, hold, release, sum } from "../releases/index.ts";
export {
  accumulate,
  add,
  adjointIn,
  clearShadow,
  copiedShadow,
  rejoin,
  shadowIn,
  slotFor,
  takeShadow,
  twins,
  uncopy,
  zeroNumbers,
  zeroShadow,
  zeroTangent,
} from "../shadows/index.ts";
export { borrow, giveBack } from "./borrowed.ts";
export { allocate, describeStruct as struct, isAllocating } from "./classes.ts";
