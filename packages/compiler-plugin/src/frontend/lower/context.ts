/** What lowering needs to know of the whole program. */
import type ts from "typescript";
import type { PublishedCode } from "../../hir/index.ts";
import type { Hierarchy, Lowerable } from "../declarations/index.ts";
import type { TypeHost } from "../host/index.ts";
import type { Types } from "../types/index.ts";
import type { Expanded } from "./expanded.ts";

/** A derivative given by hand, as statically known. */
export interface RegisteredTarget {
  readonly key: string;
  /** Positions among the arguments, the receiver first. */
  readonly positions: readonly number[];
  readonly receiver: boolean;
  readonly effects: "none" | "random" | "state";
  readonly retains: boolean;
  /** Whether the rule has a `jvp`, and a `vjp`, as far as one can see. */
  readonly forward?: boolean;
  readonly reverse?: boolean;
  /** The key of the function that is its `jvp`, where the registration shows it. */
  readonly jvpKey?: string;
  /** Of an installed package, which says what can be differentiated. */
  readonly published?: PublishedCode;
}

export interface ProgramContext {
  readonly host: TypeHost;
  readonly types: Types;
  readonly hierarchy: Hierarchy;
  /** The function or class without constructor behind a key. */
  lowerable(key: string): Lowerable | undefined;
  /** Whether a declaration stands in a file that we compile. */
  isSource(node: ts.Node): boolean;
  /** The registration whose target is this declaration. */
  registration(declaration: ts.Declaration): RegisteredTarget | undefined;
  /** The literal that stands for a function without body here, which it adds to the program. */
  expand(node: ts.Expression): Expanded | undefined;
  /** Such a literal by its key. */
  expansion(key: string): Expanded | undefined;
}
