/** Declarations of the program: their keys, an index per file, who overrides what. */
export { type FileIndex, indexFile } from "./file-index.ts";
export { Hierarchy } from "./hierarchy.ts";
export {
  className,
  classKey,
  type FunctionNode,
  generatedName,
  isAbstract,
  isFunctionNode,
  isStatic,
  isTopLevel,
  keyOf,
  type Lowerable,
} from "./keys.ts";
