/** Declarations of the program: their keys, an index per file, who overrides what. */
export {
  type ClassBody,
  classPlace,
  type DifferentiableDeclaration,
  describe,
  hasPrivateNames,
  isDifferentiable,
  maskOf,
  type ParameterList,
  parametersOf,
} from "./describe.ts";
export { type FileIndex, indexFile } from "./file-index.ts";
export { Hierarchy } from "./hierarchy.ts";
export {
  classKey,
  className,
  type FunctionNode,
  generatedName,
  isAbstract,
  isFieldFunction,
  isFunctionNode,
  isStatic,
  isTopLevel,
  keyOf,
  type Lowerable,
} from "./keys.ts";
export { publicText } from "./public-text.ts";
export { storedByPosition } from "./stores.ts";
