/**
 * Compiles one file of a planned program: derivatives beside the functions they belong to, carriers attached, then
 * types stripped. The source map leads from the JavaScript to the TypeScript as it was written.
 */

import type { Mode } from "../ad/index.ts";
import type { VariantNames } from "../emit/index.ts";
import type { CompilerProgram, DifferentiableDeclaration } from "../frontend/index.ts";
import { dualOf, settledKey, settledOf } from "../hir/operators.ts";
import type { HirFunction } from "../hir/types.ts";
import { ClassBodies, describeClass } from "./class-bodies.ts";
import { composeMap, Edits, type Mapping } from "./edits.ts";
import { Names } from "./names.ts";
import type { FilePlan, Plan, PlannedVariant } from "./plan.ts";
import { shapeText } from "./shape.ts";
import type { Stages } from "./stages.ts";

export interface CompiledFile {
  /** JavaScript, without a source map comment. */
  readonly code: string;
  /** JSON. */
  readonly map: string;
  /** The TypeScript from which the JavaScript was printed: the source with its derivatives. */
  readonly typescript: string;
}

export function compileFile(program: CompilerProgram, plan: Plan, file: string, stages: Stages): CompiledFile {
  const source = program.text(file);
  const edits = new Edits(file, source);
  const filePlan = plan.files.get(file);
  if (filePlan !== undefined) new FileCompiler(program, plan, filePlan, stages, edits).edit();
  const edited = edits.apply();
  const { code, map } = stages.stripTypes(edited.text, file);
  return {
    code,
    map: edits.isEmpty ? map : composeMap(map, edited, file, (path) => program.text(path)),
    typescript: edited.text,
  };
}

/** Whether compiling a file only strips its types. */
export function emitsNothing(program: CompilerProgram, plan: FilePlan): boolean {
  const { declarations, literals, hasSites, file } = plan;
  if (declarations.length + literals.length > 0 || hasSites || program.structs(file).length > 0) return false;
  return program.registrations(file).every(({ wrt }) => wrt === undefined);
}

class FileCompiler {
  readonly #program: CompilerProgram;
  readonly #plan: Plan;
  readonly #file: FilePlan;
  readonly #stages: Stages;
  readonly #edits: Edits;
  readonly #source: string;
  readonly #names: Names;
  readonly #classBodies = new ClassBodies();
  readonly #declarations: ReadonlyMap<string, DifferentiableDeclaration>;

  constructor(program: CompilerProgram, plan: Plan, file: FilePlan, stages: Stages, edits: Edits) {
    this.#program = program;
    this.#plan = plan;
    this.#file = file;
    this.#stages = stages;
    this.#edits = edits;
    this.#source = program.text(file.file);
    this.#names = new Names(this.#source);
    this.#declarations = new Map(file.declarations.map(({ declaration }) => [declaration.key, declaration]));
  }

  edit(): void {
    if (emitsNothing(this.#program, this.#file)) return;
    const { declarations, literals } = this.#file;
    const hashbang = /^#!.*/.exec(this.#source);
    this.#edits.insert(
      hashbang === null ? 0 : hashbang[0].length,
      `${hashbang === null ? "" : "\n"}import * as $pb from "@pullback/autodiff/runtime"; $pb.compiled(); `,
    );
    for (const struct of this.#program.structs(this.#file.file)) {
      describeClass(struct, this.#edits, this.#classBodies);
    }
    for (const { wrt } of this.#program.registrations(this.#file.file)) {
      if (wrt !== undefined) this.#edits.insert(wrt.offset, wrt.text, "open");
    }
    for (const { declaration, variants } of declarations) this.#attach(declaration, variants);
    for (const { key, span, variants, expanded } of literals) {
      const carrier = this.#inlineCarrier(key, variants);
      // A function expression's own name is known inside it only: its derivatives, beside it, need it too.
      const own = /^function\s*([\w$]+)/.exec(this.#source.slice(span.start, span.end))?.[1];
      const [before, after] = own === undefined ? ["", ""] : [`(() => { const ${own} = `, `; return ${own}; })()`];
      const [head, tail] = expanded === undefined ? ["", ""] : [`${expanded} => `, expanded];
      this.#edits.insert(span.start, `${before}$pb.carry(${head}`, "open");
      this.#edits.insert(
        span.end,
        `${tail}, ${carrier.text})${after}`,
        "close",
        shifted(carrier.mappings, tail.length + 2),
      );
    }
    this.#classBodies.write(this.#edits);
  }

  /** Functions for the derivatives of a declaration, and the statements that hand them to it. */
  #attach(declaration: DifferentiableDeclaration, variants: readonly PlannedVariant[]): void {
    const { key, fullMask, reference, inClass } = declaration;
    const own = inClass === undefined ? reference : reference.replace(inClass.name, "this");
    this.#attachTo(declaration, key, fullMask, variants, own);
  }

  /** The same for a function with that key, which stands beside the declaration and is `reference` there. */
  #attachTo(
    declaration: DifferentiableDeclaration,
    key: string,
    fullMask: string,
    variants: readonly PlannedVariant[],
    reference: string,
  ): void {
    const entries = new Map<string, string[]>();
    const { inClass } = declaration;
    const local = (variant: PlannedVariant) => {
      const names = this.#names.of(variant, fullMask);
      return inClass === undefined ? names : qualified("this", names);
    };
    for (const variant of variants) {
      const { text, mappings } = this.#emit(variant, false, this.#names.of(variant, fullMask));
      collect(entries, variant, formsText(variant, local(variant)));
      if (inClass !== undefined) {
        this.#classBodies.add(inClass.end, text, mappings);
        continue;
      }
      // A nested function's derivatives read the variables around it, so they stand in the same block.
      const at = declaration.nested ? declaration.attachAfter : this.#source.length;
      this.#edits.insert(at, `\n${text}\n`, "statement", shifted(mappings, 1));
    }
    if (reference !== "") {
      const header = this.#header(key, variants[0]);
      const variantsText = [...entries].map(([mask, forms]) => `"${mask}": { ${forms.join(", ")} }`).join(", ");
      const attach = `$pb.attach(${reference}, { ${header}, variants: { ${variantsText} } });`;
      if (inClass === undefined) this.#edits.insert(declaration.attachAfter, `\n${attach}\n`);
      else this.#classBodies.run(inClass.end, attach);
    }
    // So does the form of it that is called where it may throw.
    const settled = this.#plan.variantsOf(settledKey(key));
    if (settled.length > 0)
      this.#attachTo(
        declaration,
        settledKey(key),
        fullMask,
        settled,
        reference === "" ? "" : `$pb.settled(${reference})`,
      );
    // Forward-mode code that is differentiated again carries derivatives like any other function.
    for (const variant of variants) {
      const dual = variant.mode === "forward" ? this.#plan.dual(key, variant.mask) : undefined;
      if (dual === undefined) continue;
      this.#attachTo(declaration, dual.key, fullMaskOf(dual.variants), dual.variants, local(variant).jvp);
    }
  }

  /** A carrier written where a function literal stands, its derivatives as arrow functions in the same scope. */
  #inlineCarrier(key: string, variants: readonly PlannedVariant[]): { text: string; mappings: Mapping[] } {
    const names = { joint: "joint", forward: "forward", backward: "backward", jvp: "jvp" };
    const mappings: Mapping[] = [];
    let text = `{ ${this.#header(key, variants[0])}, variants: { `;
    for (const mask of new Set(variants.map((variant) => variant.mask))) {
      text += `"${mask}": { `;
      const ofMask = variants.filter((variant) => variant.mask === mask);
      for (const variant of ofMask) {
        const emitted = this.#emit(variant, true, names);
        const dual = variant.mode === "forward" ? this.#plan.dual(key, mask) : undefined;
        if (dual === undefined) {
          mappings.push(...shifted(emitted.mappings, text.length));
          text += `${emitted.text},\n`;
          continue;
        }
        const carry = "$pb.carry(";
        const { length } = "jvp: ";
        mappings.push(...shifted(emitted.mappings, text.length + carry.length));
        text += `${emitted.text.slice(0, length)}${carry}${emitted.text.slice(length)}, `;
        const carrier = this.#inlineCarrier(dual.key, dual.variants);
        mappings.push(...shifted(carrier.mappings, text.length));
        text += `${carrier.text}),\n`;
      }
      text += `${mutates(ofMask[0])} }, `;
    }
    return { text: `${text} } }`, mappings };
  }

  #emit(variant: PlannedVariant, inline: boolean, names: Required<VariantNames>) {
    return this.#stages.emitDerivative(variant.derived, {
      joint: variant.joint,
      split: variant.split,
      inline,
      names,
      local: (key, mask, mode) => this.#local(key, mask, mode),
    });
  }

  /** Names of another function's derivative, where they are in scope. */
  #local(key: string, mask: string, mode: Mode): VariantNames | undefined {
    let root = key;
    for (let of = madeOf(root); of !== undefined; of = madeOf(root)) root = of;
    const declaration = this.#declarations.get(root);
    const variant = this.#plan.variant(key, mask, mode);
    if (declaration === undefined || variant === undefined) return undefined;
    // A method of a class declared inside a function may be called from where its derivatives are not visible.
    if (declaration.nested && declaration.kind !== "function" && declaration.kind !== "arrow") return undefined;
    const isItsOwn = root === key || root === settledOf(key);
    const names = this.#names.of(variant, isItsOwn ? declaration.fullMask : fullMaskOf([variant]));
    return declaration.inClass === undefined ? names : qualified(declaration.inClass.name, names);
  }

  /** The fields of a carrier that do not depend on the mask. */
  #header(key: string, variant: PlannedVariant): string {
    const hir = this.#program.lower(key);
    const fields = [`abi: 1`, `name: ${JSON.stringify(hir.name)}`, `kinds: ${JSON.stringify(variant.derived.kinds)}`];
    const shapes = hir.params.map((param) => shapeText(param.type));
    if (shapes.some(tellsMoreThanTheKind)) fields.push(`shapes: [${shapes.join(", ")}]`);
    const result = shapeText(hir.result);
    if (tellsMoreThanTheKind(result)) fields.push(`resultShape: ${result}`);
    if (takesRest(hir)) fields.push("rest: true");
    if (variant.derived.changesFirst) fields.push("changesFirst: true");
    if (["method", "getter", "setter", "initialiser"].includes(hir.kind)) fields.push("receiver: true");
    const operators = this.#plan
      .applications(key)
      .map((each) => `${JSON.stringify(each.name)}: ${this.#inlineCarrier(each.key, each.variants).text}`);
    if (operators.length > 0) fields.push(`operators: { ${operators.join(", ")} }`);
    return fields.join(", ");
  }
}

/** The function whose forward-mode code or settled form a key names. */
const madeOf = (key: string): string | undefined => dualOf(key)?.of ?? settledOf(key);

/** The mask with a bit for every parameter that has a tangent. */
function fullMaskOf([variant]: readonly PlannedVariant[]): string {
  return (variant?.derived.kinds ?? "").replace(/[^-]/g, "1").replaceAll("-", "0");
}

/** Derivatives that are static members of a class. */
function qualified(owner: string, { joint, forward, backward, jvp }: Required<VariantNames>): Required<VariantNames> {
  return {
    joint: `${owner}.${joint}`,
    forward: `${owner}.${forward}`,
    backward: `${owner}.${backward}`,
    jvp: `${owner}.${jvp}`,
  };
}

function shifted(mappings: readonly Mapping[], by: number): Mapping[] {
  return mappings.map(({ generatedOffset, span }) => ({ generatedOffset: generatedOffset + by, span }));
}

function tellsMoreThanTheKind(shape: string): boolean {
  return shape.startsWith("{");
}

function takesRest(hir: HirFunction): boolean {
  return hir.rest !== undefined;
}

/** Adds a variant's forms to those of its mask in the other mode. */
function collect(entries: Map<string, string[]>, variant: PlannedVariant, forms: readonly string[]): void {
  const list = entries.get(variant.mask) ?? [];
  for (const form of [...forms, mutates(variant)]) if (form !== "" && !list.includes(form)) list.push(form);
  entries.set(variant.mask, list);
}

/** The forms of a variant in one mode, as properties of its entry. */
function formsText({ mode, split, joint }: PlannedVariant, names: VariantNames): string[] {
  if (mode === "forward") return [`jvp: ${names.jvp}`];
  const forms: string[] = [];
  if (split) forms.push(`forward: ${names.forward}`, `backward: ${names.backward}`);
  if (joint) forms.push(`joint: ${names.joint}`);
  return forms;
}

function mutates({ derived }: PlannedVariant): string {
  return derived.mutates.includes("1") ? `mutates: "${derived.mutates}"` : "";
}
