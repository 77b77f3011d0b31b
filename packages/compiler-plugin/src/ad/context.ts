/** What the two sweeps of one derivative share: the analysed function, its shadows, and what forward recorded for reverse. */
import type { Activity } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import type { CallOp, ClosureOp, HirFunction, Ids, LoopOp, Op, Program, Region, Span, Value } from "../hir/index.ts";
import type { Site } from "./sites.ts";
import type { Sweeps } from "./vjp.ts";

/** `joint`: both sweeps in one body. `split`: user code may run in between, and backward may run more than once. */
export type Form = "joint" | "split";

/** How the reverse sweep runs a loop again: over its index, or as often as the forward sweep counted. */
export type LoopRecord = { readonly kind: "index" } | { readonly kind: "trips"; readonly trips: Value };

/** How a call was made in the forward sweep. */
export interface CallRecord {
  readonly site: Site;
  readonly frame: Value;
  readonly variant?: Value;
  /** It went to a function that does not throw: the shadow of what this returned, where it has one. */
  readonly outcome?: Value | undefined;
}

export interface Context {
  readonly fn: HirFunction;
  readonly mask: string;
  readonly form: Form;
  readonly program: Program;
  readonly activity: Activity;
  readonly ids: Ids;
  readonly shadows: Map<Value, Value>;
  /** The forward sweep's region for each region of the function. */
  readonly forwardOf: Map<Region, Region>;
  readonly loops: Map<LoopOp, LoopRecord>;
  readonly calls: Map<CallOp, CallRecord>;
  /** Calls without derivative whose result got a shadow of its own. */
  readonly owned: Set<CallOp>;
  /** Position at which a push or pop found the end of its array (split form); what a store's slot held; lengths of spread arrays. */
  readonly positions: Map<Op, Value>;
  readonly lengths: Map<Op, readonly (Value | undefined)[]>;
  /** What defines each value of the function. */
  readonly definitions: Map<Value, Op>;
  report(code: string, span: Span, message: string, hint?: string): void;
  readonly diagnostics: Diagnostic[];
  /** Function literals with their derivatives' activity: which captures have an adjoint in the environment. */
  readonly closures: Map<ClosureOp, { readonly environment: Value; readonly names: readonly (string | undefined)[] }>;
  /** Derives a function literal: parameters, then captures, are its inputs. */
  derive(fn: HirFunction, mask: string): Sweeps;
}
