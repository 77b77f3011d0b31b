/**
 * The plan of a program: from operator sites and tags, through the calls of derived functions, to every variant of
 * every function that some file has to emit. A fixpoint over (function, mask), each differentiated once.
 */
import { type DerivedFunction, type ForwardFunction, type Mode, type ModeDemand, ruleMask } from "../ad/index.ts";
import type { Diagnostic, DiagnosticNote } from "../check/index.ts";
import {
  type CompilerProgram,
  type DifferentiableDeclaration,
  isDifferentialOperator,
  type OperatorSite,
} from "../frontend/index.ts";
import { fullMaskOf } from "../hir/kinds.ts";
import {
  applicationKey,
  applicationName,
  applicationOf,
  dualKey,
  dualOf,
  settled,
  settledOf,
} from "../hir/operators.ts";
import type { Span } from "../hir/types.ts";
import { type Cause, chainNotes } from "./chain.ts";
import { failureOf } from "./errors.ts";
import { noProgress, type Progress } from "./progress.ts";
import { isSelfHosted } from "./self-hosted.ts";
import type { Stages } from "./stages.ts";

/** One variant to emit, in one mode. */
export interface PlannedVariant {
  readonly key: string;
  readonly mask: string;
  readonly derived: DerivedFunction | ForwardFunction;
  readonly mode: Mode;
  /** Both sweeps in one function, for operators that run them without user code between. */
  joint: boolean;
  /** A forward and a backward function, for callers and for pullbacks. */
  split: boolean;
  /** What asked for it first. */
  readonly cause: Cause;
}

export interface FilePlan {
  readonly file: string;
  /** Declarations with the variants they must carry, in source order. */
  readonly declarations: { readonly declaration: DifferentiableDeclaration; readonly variants: PlannedVariant[] }[];
  /** Function literals that carry their derivative where they stand: at an operator's argument, in a registration. */
  readonly literals: {
    readonly key: string;
    readonly span: Span;
    readonly variants: PlannedVariant[];
    /** The parameters of the literal that is written for a name that stands there. */
    readonly expanded?: string;
  }[];
  /** Whether operators are called here. */
  readonly hasSites: boolean;
  readonly diagnostics: Diagnostic[];
}

export interface Plan {
  readonly files: ReadonlyMap<string, FilePlan>;
  readonly diagnostics: readonly Diagnostic[];
  /** The variant planned for a function and mask, if it can be emitted. */
  variant(key: string, mask: string, mode: Mode): PlannedVariant | undefined;
  /** The variants that can be emitted of a function with that key. */
  variantsOf(key: string): readonly PlannedVariant[];
  /** Whether a variant can be emitted with everything that it calls. */
  complete(key: string, mask: string, mode: Mode): boolean;
  /** What operators make of a function and is differentiated again: their name on its carrier, and the variants. */
  applications(
    key: string,
  ): readonly { readonly name: string; readonly key: string; readonly variants: PlannedVariant[] }[];
  /** The key and the variants of a function's forward-mode code, where it is differentiated again. */
  dual(key: string, mask: string): { readonly key: string; readonly variants: PlannedVariant[] } | undefined;
}

interface Forms {
  readonly joint: boolean;
  readonly split: boolean;
  readonly jvp: boolean;
}

const splitOnly: Forms = { joint: false, split: true, jvp: false };
const both: Forms = { joint: true, split: true, jvp: false };
const jointOnly: Forms = { joint: true, split: false, jvp: false };
const splitAndForward: Forms = { joint: false, split: true, jvp: true };
const forwardOnly: Forms = { joint: false, split: false, jvp: true };

const forwardOperators = new Set<OperatorSite["operator"]>([
  "derivative",
  "valueWithDerivative",
  "differential",
  "valueWithDifferential",
  "jacobian",
]);

/** What each operator asks of the function that it is given. */
function formsOf({ operator, target }: OperatorSite): Forms {
  switch (operator) {
    case "gradient":
    case "valueWithGradient":
    case "hessian":
    case "hessianVectorProduct":
      return target.kind === "function" ? both : jointOnly;
    case "pullback":
    case "valueWithPullback":
      return splitOnly;
    case "derivative":
    case "valueWithDerivative":
    case "differential":
    case "valueWithDifferential":
      return forwardOnly;
    case "jacobian":
      return splitOnly;
    default:
      return both;
  }
}

/** How often those who depend on a package can differentiate what it publishes. */
export type Orders = 1 | 2 | 3;

export interface PlanOptions {
  /**
   * What is tagged shall have what another project may ask of it: both modes, and above 1 both of its forward-mode code,
   * of the rules that are registered too, once or twice.
   */
  readonly published?: Orders;
}

export function planProgram(
  program: CompilerProgram,
  stages: Pick<Stages, "differentiate" | "differentiateForward">,
  progress: Progress = noProgress,
  options: PlanOptions = {},
): Plan {
  return new Planner(program, stages, options.published ?? 0).plan(progress);
}

class Planner {
  readonly #program: CompilerProgram;
  readonly #stages: Pick<Stages, "differentiate" | "differentiateForward">;
  readonly #variants = new Map<string, PlannedVariant>();
  readonly #queue: PlannedVariant[] = [];
  readonly #checked = new Set<string>();
  readonly #diagnostics = new Map<string, Diagnostic>();
  readonly #failed = new Set<string>();
  /** Forward mode of function values: wanted where it can be had, once everything that must be had is there. */
  readonly #wishes: (() => void)[] = [];
  #wishing = false;
  readonly #published: 0 | Orders;

  constructor(
    program: CompilerProgram,
    stages: Pick<Stages, "differentiate" | "differentiateForward">,
    published: 0 | Orders,
  ) {
    this.#program = program;
    this.#stages = stages;
    this.#published = published;
  }

  plan(progress: Progress): Plan {
    const files = this.#program.files.filter((file) => !isSelfHosted(file));
    const sites = new Map<string, OperatorSite[]>();
    for (const [i, file] of files.entries()) {
      progress.step(`looking for derivatives in ${i + 1} of ${files.length} files`);
      sites.set(file, this.#guard(file, () => this.#enter(file)) ?? []);
    }
    this.#drain(progress);
    // A function that is handed on as a value may reach any operator that the program uses.
    if (this.#published > 0 || [...sites.values()].flat().some(({ operator }) => forwardOperators.has(operator))) {
      this.#wishing = true;
      // A wish may bring others.
      for (const wish of this.#wishes) wish();
      this.#drain(progress);
    }
    return this.#collect(files, sites);
  }

  #drain(progress: Progress): void {
    for (let variant = this.#queue.shift(); variant !== undefined; variant = this.#queue.shift()) {
      progress.step(`${this.#variants.size - this.#queue.length} of ${this.#variants.size} derivatives`);
      this.#follow(variant);
    }
  }

  /** The demands that a file makes by itself. */
  #enter(file: string): OperatorSite[] {
    for (const diagnostic of this.#program.diagnostics(file)) this.#report(diagnostic);
    const sites = this.#program.sites(file);
    for (const site of sites) {
      if (!("key" in site.target)) continue;
      const forms = formsOf(site);
      this.#demand(site.target.key, site.mask, forms, { kind: "site", site });
      if (site.operator === "hessian" || site.operator === "hessianVectorProduct") {
        // Forward over reverse.
        const key = applicationKey({ operator: "gradient", of: site.target.key, wrt: "" });
        this.#demand(key, site.mask, forwardOnly, { kind: "site", site });
      }
      if (site.operator === "jacobian" || (forms === both && !isGradient(site)))
        this.#wish(site.target.key, site.mask, { kind: "site", site });
    }
    for (const declaration of this.#program.tagged(file)) {
      this.#demand(declaration.key, declaration.fullMask, both, { kind: "tag", declaration });
      const cause: Cause = { kind: "tag", declaration };
      this.#wish(declaration.key, declaration.fullMask, cause);
      this.#publish(declaration.key, declaration.fullMask, cause);
    }
    for (const { jvp, positions, target, span } of this.#program.registrations(file)) {
      if (jvp === undefined || this.#published < 2) continue;
      const cause: Cause = { kind: "registration", target, span };
      const mask = this.#guard(file, () => ruleMask(this.#program.lower(jvp.key), positions));
      if (mask === undefined) continue;
      this.#wishes.push(() => this.#demand(jvp.key, mask, splitAndForward, cause));
      this.#publish(jvp.key, mask, cause, 2);
    }
    return sites;
  }

  #wish(key: string, mask: string, cause: Cause): void {
    this.#wishes.push(() => this.#demand(key, mask, forwardOnly, cause));
  }

  /** Both modes of the forward-mode code of what another project sees, and of that again, as often as is published. */
  #publish(of: string, mask: string, cause: Cause, from = 1): void {
    if (from >= this.#published) return;
    this.#wishes.push(() => {
      const key = dualKey({ of, mask });
      const full = this.#guard(of.slice(0, of.indexOf("#")), () => fullMaskOf(this.#program.lower(key)));
      if (full === undefined) return;
      this.#demand(key, full, splitAndForward, cause);
      this.#publish(key, full, cause, from + 1);
    });
  }

  #demand(key: string, mask: string, wanted: Forms, cause: Cause): void {
    if (!mask.includes("1")) return;
    const dual = dualOf(key);
    if (dual !== undefined) this.#add(dual.of, dual.mask, "forward", { joint: false, split: false }, cause);
    // It is attached beside the function itself.
    const settled = settledOf(key);
    if (settled !== undefined) this.#demand(settled, mask, splitOnly, cause);
    if (wanted.jvp) this.#add(key, mask, "forward", { joint: false, split: false }, cause);
    if (!wanted.joint && !wanted.split) return;
    // Both sweeps at once start from the cotangent 1; that of a leaf is made from the value, between the sweeps.
    const forms = wanted.joint && !this.#returnsNumber(key) ? { joint: false, split: true } : wanted;
    this.#add(key, mask, "reverse", { joint: forms.joint, split: forms.split }, cause);
  }

  /** The function itself, in the form in which what it does to the world is written down. */
  #demandPrimal(key: string, mask: string, cause: Cause): void {
    this.#add(key, mask, "forward", { joint: false, split: false }, cause);
  }

  #add(key: string, mask: string, mode: Mode, forms: Pick<Forms, "joint" | "split">, cause: Cause): void {
    const id = idOf(key, mask, mode);
    const known = this.#variants.get(id);
    if (known !== undefined) {
      known.joint ||= forms.joint;
      known.split ||= forms.split;
      return;
    }
    const derived = this.#guard(key.slice(0, key.indexOf("#")), () =>
      mode === "forward"
        ? this.#stages.differentiateForward(this.#program, { key, mask })
        : this.#stages.differentiate(this.#program, { key, mask }),
    );
    if (derived === undefined) return;
    const variant: PlannedVariant = { key, mask, derived, mode, ...forms, cause };
    this.#variants.set(id, variant);
    this.#queue.push(variant);
  }

  #returnsNumber(key: string): boolean {
    const result = this.#guard(key.slice(0, key.indexOf("#")), () => this.#program.lower(key).result);
    return result?.kind === "number";
  }

  #follow(variant: PlannedVariant): void {
    const { derived, key } = variant;
    const found = [...derived.diagnostics];
    if (!this.#checked.has(key)) {
      this.#checked.add(key);
      found.push(...this.#program.semanticErrors(key));
    }
    if (this.#wishing) {
      // Whoever gets to it at run time is told then.
      if (found.some(({ severity }) => severity === "error")) this.#failed.add(idOf(key, variant.mask, variant.mode));
    } else if (found.length > 0) {
      const notes = chainNotes(variant, (id) => this.#variants.get(id), this.#program);
      for (const diagnostic of found) {
        const inner = this.#inlined(diagnostic, key);
        this.#report({ ...diagnostic, notes: [...diagnostic.notes, ...inner, ...notes] });
      }
      if (found.some(({ severity }) => severity === "error")) this.#failed.add(idOf(key, variant.mask, variant.mode));
    }
    if (!this.#failed.has(idOf(key, variant.mask, variant.mode))) this.#warn(variant);
    const cause: Cause = { kind: "caller", id: idOf(key, variant.mask, variant.mode) };
    if (derived.acts) this.#demandPrimal(key, derived.kinds.replace(/./g, "0"), cause);
    for (const demand of derived.demands) {
      if (demand.primal === true) {
        this.#demandPrimal(demand.key, demand.mask, cause);
        continue;
      }
      this.#demand(demand.key, demand.mask, demand.mode === "forward" ? forwardOnly : splitOnly, cause);
    }
  }

  /** PB5001, where a program asks for a derivative that is always zero. */
  #warn(variant: PlannedVariant): void {
    const { cause, derived } = variant;
    if (cause.kind !== "site" || !isDifferentialOperator(cause.site.operator)) return;
    for (const name of derived.independent()) {
      this.#report({
        code: "PB5001",
        severity: "warning",
        message: `The result of ${derived.name} does not depend on ${name}: its derivative is always zero.`,
        span: cause.site.span,
        notes: chainNotes(variant, (id) => this.#variants.get(id), this.#program),
        hint: "Check the expression; leave the parameter out with { wrt: … }, or name it with an underscore, if it is meant.",
      });
    }
  }

  /** The link of the chain that is missing where a callee was inlined: its operations speak as those of its caller. */
  #inlined({ span }: Diagnostic, key: string): DiagnosticNote[] {
    const caller = this.#program.lower(key);
    if (contains(caller.span, span)) return [];
    const callees = this.#program.declarations(span.file).map((declaration) => this.#program.lower(declaration.key));
    const holding = callees.filter((callee) => contains(callee.span, span));
    const innermost = holding.sort((a, b) => a.span.end - a.span.start - (b.span.end - b.span.start))[0];
    if (innermost === undefined) return [];
    const { file, start } = caller.span;
    const heading = { file, start, end: start + 1 };
    return [{ message: `when differentiating ${innermost.name}, called from ${caller.name}`, span: heading }];
  }

  #report(diagnostic: Diagnostic): void {
    const { code, span } = diagnostic;
    const id = `${code}|${span.file}|${span.start}|${diagnostic.message}`;
    if (this.#diagnostics.has(id)) return;
    const fix = diagnostic.fix ?? (stoppable.has(code) ? this.#program.stopping(span) : undefined);
    this.#diagnostics.set(id, fix === undefined ? diagnostic : { ...diagnostic, fix });
  }

  /** A defect of the compiler itself stays with the file that it met. */
  #guard<T>(file: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#report(failureOf(file, error));
      return undefined;
    }
  }

  #collect(files: readonly string[], sites: ReadonlyMap<string, OperatorSite[]>): Plan {
    const program = this.#program;
    const variantsOf = new Map<string, PlannedVariant[]>();
    for (const [id, variant] of this.#variants) {
      if (this.#failed.has(id)) continue;
      const list = variantsOf.get(variant.key);
      if (list === undefined) variantsOf.set(variant.key, [variant]);
      else list.push(variant);
    }
    const plans = new Map<string, FilePlan>();
    for (const file of files) {
      const here = sites.get(file) ?? [];
      const literalKeys = new Set<string>();
      const literals: FilePlan["literals"] = [];
      const inPlace = (key: string, span: Span, expanded?: string) => {
        if (literalKeys.has(key)) return;
        literalKeys.add(key);
        const variants = variantsOf.get(key);
        if (variants !== undefined)
          literals.push({ key, span, variants, ...(expanded === undefined ? {} : { expanded }) });
      };
      for (const { function: made, parameters } of program.expansions(file)) inPlace(made.key, made.span, parameters);
      for (const { target, span } of here) if (target.kind === "literal") inPlace(target.key, span);
      for (const { jvp } of program.registrations(file)) if (jvp?.span !== undefined) inPlace(jvp.key, jvp.span);
      const declarations: FilePlan["declarations"] = [];
      for (const declaration of program.declarations(file)) {
        const variants = literalKeys.has(declaration.key) ? undefined : variantsOf.get(declaration.key);
        if (variants !== undefined) declarations.push({ declaration, variants });
      }
      plans.set(file, { file, declarations, literals, hasSites: here.length > 0, diagnostics: [] });
    }
    const diagnostics = [...this.#diagnostics.values()];
    for (const diagnostic of diagnostics) plans.get(diagnostic.span.file)?.diagnostics.push(diagnostic);
    for (const plan of plans.values()) plan.diagnostics.sort((a, b) => a.span.start - b.span.start);
    const usable = (key: string, mask: string, mode: Mode) => {
      const id = idOf(key, mask, mode);
      return this.#failed.has(id) ? undefined : this.#variants.get(id);
    };
    const complete = (key: string, mask: string, mode: Mode) => {
      const seen = new Set<string>();
      const visit = (each: ModeDemand): boolean => {
        const id = idOf(each.key, each.mask, each.mode);
        if (seen.has(id) || !each.mask.includes("1")) return true;
        seen.add(id);
        const variant = usable(each.key, each.mask, each.mode);
        return variant?.derived.demands.every(visit) === true;
      };
      return visit({ key, mask, mode });
    };
    const applications = (key: string) =>
      [...variantsOf].flatMap(([each, variants]) => {
        const application = applicationOf(each);
        return application?.of === key && application.operator !== settled
          ? [{ name: applicationName(application), key: each, variants }]
          : [];
      });
    const dual = (of: string, mask: string) => {
      const key = dualKey({ of, mask });
      const variants = variantsOf.get(key);
      return variants === undefined ? undefined : { key, variants };
    };
    return {
      files: plans,
      diagnostics,
      variant: usable,
      variantsOf: (key) => variantsOf.get(key) ?? [],
      complete,
      applications,
      dual,
    };
  }
}

const idOf = (key: string, mask: string, mode: Mode) => `${key}|${mask}${mode === "forward" ? "|jvp" : ""}`;

/** Diagnostics that stopping the derivative where they point is a remedy for. */
const stoppable = new Set(["PB1007", "PB1010", "PB2003", "PB3001", "PB3002", "PB4001"]);

const isGradient = ({ operator }: OperatorSite) =>
  ["gradient", "valueWithGradient", "hessian", "hessianVectorProduct"].includes(operator);

function contains(outer: Span, inner: Span): boolean {
  return outer.file === inner.file && outer.start <= inner.start && inner.end <= outer.end;
}
