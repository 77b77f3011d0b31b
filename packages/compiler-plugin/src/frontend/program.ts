/** The program as the later stages see it: everything is computed when it is first asked for. */
import type ts from "typescript";
import type { Diagnostic, Fix } from "../check/index.ts";
import { type HirFunction, type Program, passed, passing, type Span, type StructType } from "../hir/index.ts";
import {
  type ClassBody,
  classKey,
  classPlace,
  type DifferentiableDeclaration,
  describe,
  type FileIndex,
  Hierarchy,
  hasPrivateNames,
  indexFile,
  isStatic,
  type Lowerable,
  publicText,
  storedByPosition,
} from "./declarations/index.ts";
import { TypeHost } from "./host/index.ts";
import {
  baseExpression,
  constructorOf,
  type Expanded,
  expanded,
  lowerFunction,
  type ProgramContext,
  type RegisteredTarget,
} from "./lower/index.ts";
import {
  checkFields,
  findRegistrations,
  findSites,
  type OperatorSite,
  type Registration,
  type Registrations,
  type SitesOfFile,
  stopping,
  tagOf,
  WantedNames,
} from "./sites/index.ts";
import { Types } from "./types/index.ts";

export interface ProgramOptions {
  readonly rootFiles: readonly string[];
  readonly projectFolder: string;
  readonly tsconfig?: string;
  /** Texts that stand for files, by absolute path. */
  readonly overlay?: ReadonlyMap<string, string>;
  readonly oldProgram?: CompilerProgram;
}

export interface StructOfClass {
  readonly classKey: string;
  readonly className: string;
  readonly attachAfter: number;
  readonly type: StructType;
  /** Where the constructor only stores its arguments: the fields, by position. */
  readonly stores?: readonly string[];
  /** Of a class with `#` names: what can be written in its body alone. */
  readonly privates?: PrivateState;
}

/** The `#` state of a class. */
export interface PrivateState extends ClassBody {
  /** The `#` fields that it declares, without their `#`. */
  readonly fields: readonly string[];
  /** Where the statements of a written constructor begin. */
  readonly constructorBody?: { readonly start: number; readonly derived: boolean };
}

export interface CompilerProgram extends Program {
  /** Source files that are compiled by us. */
  readonly files: readonly string[];
  /** Every file that was read, TypeScript's own library excepted. */
  readonly inputs: readonly string[];
  text(file: string): string;
  /** Places that ask for a derivative, in source order. */
  sites(file: string): OperatorSite[];
  /** Functions that bear `@differentiable`, or implement a member that does, and have no registered derivative. */
  tagged(file: string): DifferentiableDeclaration[];
  /** Functions that a statement can name. */
  declarations(file: string): DifferentiableDeclaration[];
  /** Classes with differentiable fields. */
  structs(file: string): StructOfClass[];
  registrations(file: string): readonly Registration[];
  /** Functions without body here, named in a file where a literal that calls them may be written. */
  expansions(file: string): readonly Expanded[];
  /** What is wrong without looking into functions: operators, registrations, fields. */
  diagnostics(file: string): Diagnostic[];
  /** TypeScript's own errors inside a function. */
  semanticErrors(key: string): Diagnostic[];
  /** How to stop the derivative at an expression; undefined where the span is none. */
  stopping(span: Span): Fix | undefined;
  /** Source files that a file imports. */
  importsOf(file: string): string[];
  /** The files that differ from the program that this one follows, where they differ inside functions alone. */
  readonly changed: ReadonlySet<string> | undefined;
  /**
   * To be called when everything has been asked for: what the next program takes over from this one must not keep this
   * one's checker in memory, nor that its predecessor's.
   */
  settle(): void;
}

/** What TypeScript reports about style, not about types: unused and unreachable code, fall-through, missing `override`. */
const styleErrors = new Set([2695, 4114, 6133, 6138, 6192, 6196, 6198, 6199, 7027, 7028, 7029, 7030]);

export function createProgram(options: ProgramOptions): CompilerProgram {
  const { oldProgram, ...rest } = options;
  const old = oldProgram instanceof HostedProgram ? oldProgram : undefined;
  const host = new TypeHost({ ...rest, ...(old === undefined ? {} : { oldHost: old.host }) });
  const program = new HostedProgram(host);
  if (old !== undefined) program.keep(old);
  return program;
}

class HostedProgram implements CompilerProgram, ProgramContext {
  readonly host: TypeHost;
  readonly types: Types;
  readonly hierarchy: Hierarchy;
  readonly files: readonly string[];
  readonly #sources: ReadonlyMap<string, ts.SourceFile>;
  readonly #indices = new Map<string, FileIndex>();
  readonly #lowered = new Map<string, HirFunction>();
  /** Literals that stand for functions without body here, by their keys. */
  readonly #expansions = new Map<string, Expanded>();
  readonly #declarations = new Map<string, DifferentiableDeclaration[]>();
  readonly #sites = new Map<string, SitesOfFile>();
  readonly #errors = new Map<string, readonly Diagnostic[]>();
  #registrations: Registrations | undefined;
  #wanted: WantedNames | undefined;
  changed: ReadonlySet<string> | undefined;

  constructor(host: TypeHost) {
    this.host = host;
    this.hierarchy = new Hierarchy(host, () => this.#allIndices());
    this.types = new Types(host, {
      classKey: (declaration) => classKey(host, declaration),
      isImplemented: (symbol) => this.hierarchy.derived(symbol).length > 0,
    });
    this.#sources = new Map(host.sources.map((file) => [file.fileName, file]));
    this.files = [...this.#sources.keys()];
  }

  /** Takes over what an earlier program found out, where the difference between the two is inside functions. */
  keep(old: HostedProgram): void {
    const changed = this.#changedSince(old);
    if (changed === undefined) return;
    this.changed = changed;
    const inKept = (key: string) => !changed.has(key.split("#", 1)[0]!);
    const take = <T>(from: ReadonlyMap<string, T>, to: Map<string, T>) => {
      for (const [key, value] of from) if (inKept(key)) to.set(key, value);
    };
    take(old.#indices, this.#indices);
    take(old.#lowered, this.#lowered);
    take(old.#expansions, this.#expansions);
    take(old.#declarations, this.#declarations);
    take(old.#sites, this.#sites);
    take(old.#errors, this.#errors);
    const registrations = old.#registrations;
    const places = [
      ...(registrations?.byFile.keys() ?? []),
      ...[...(registrations?.byDeclaration.keys() ?? [])].map((declaration) => declaration.getSourceFile().fileName),
    ];
    if (!places.some((file) => changed.has(file))) this.#registrations = registrations;
    if (old.#wanted !== undefined) this.#wanted = new WantedNames(this.host, { names: old.#wanted, changed });
  }

  settle(): void {
    this.types.decide();
  }

  /** The files that were edited inside functions; undefined when anything else has changed. */
  #changedSince(old: HostedProgram): ReadonlySet<string> | undefined {
    const before = old.host.program.getSourceFiles();
    const now = this.host.program.getSourceFiles();
    if (before.length !== now.length || !sameOptions(old.host, this.host)) return undefined;
    const changed = new Set<string>();
    for (const [i, file] of now.entries()) {
      if (file === before[i]) continue;
      const { fileName } = file;
      if (fileName !== before[i]!.fileName || !this.#sources.has(fileName)) return undefined;
      if (publicText(this.host, this.#index(fileName)!) !== publicText(old.host, old.#index(fileName)!))
        return undefined;
      changed.add(fileName);
    }
    return changed;
  }

  get inputs(): readonly string[] {
    return this.host.inputs();
  }

  text(file: string): string {
    return this.#source(file).text;
  }

  lower(key: string): HirFunction {
    let hir = this.#lowered.get(key);
    if (hir === undefined) {
      const node = this.lowerable(key);
      if (node === undefined) throw new Error(`Compiler defect: no function has the key ${key}`);
      hir = passed("lowering", lowerFunction(this, node));
      this.#lowered.set(key, hir);
    }
    return hir;
  }

  lowerable(key: string): Lowerable | undefined {
    return this.#index(key.slice(0, key.indexOf("#")))?.functions.get(key);
  }

  structOf(key: string): StructType {
    const index = this.#index(key.slice(0, key.indexOf("#")));
    const node = index?.classes.find((declaration) => classKey(this.host, declaration) === key);
    const type = node === undefined ? undefined : this.types.at(node);
    if (type?.kind !== "struct") throw new Error(`Compiler defect: no class with fields has the key ${key}`);
    return type;
  }

  isSource(node: ts.Node): boolean {
    return this.#sources.has(node.getSourceFile().fileName);
  }

  registration(declaration: ts.Declaration): RegisteredTarget | undefined {
    return this.#allRegistrations().byDeclaration.get(declaration) ?? this.#publishedRule(declaration);
  }

  expansions(file: string): readonly Expanded[] {
    return [...this.#expansions.values()].filter((each) => each.function.file === file);
  }

  expand(node: ts.Expression): Expanded | undefined {
    const found = expanded(this, node);
    if (found !== undefined) {
      this.#expansions.set(found.function.key, found);
      this.#lowered.set(found.function.key, passed("lowering", found.function));
    }
    return found;
  }

  expansion(key: string): Expanded | undefined {
    return this.#expansions.get(key);
  }

  /** A registration that an installed package lists in its manifest. */
  #publishedRule(declaration: ts.Declaration): RegisteredTarget | undefined {
    const found = this.host.published(declaration);
    if (found?.kind !== "derivative" || found.rule === undefined) return undefined;
    const { rule, modes = [], package: from = "" } = found;
    const { wrt: positions, receiver, effects, retains } = rule;
    const name = (declaration as ts.NamedDeclaration).name?.getText() ?? "default";
    const key = `${declaration.getSourceFile().fileName}#${name}`;
    return { key, positions, receiver, effects, retains, published: { name, package: from, modes } };
  }

  registrations(file: string): readonly Registration[] {
    return this.#allRegistrations().byFile.get(file) ?? [];
  }

  sites(file: string): OperatorSite[] {
    return this.#sitesOf(file).sites;
  }

  declarations(file: string): DifferentiableDeclaration[] {
    let found = this.#declarations.get(file);
    if (found === undefined) {
      found = [...(this.#index(file)?.functions.values() ?? [])].flatMap((node) => {
        const described = describe(this.host, this.types, node, tagOf(this.host, node));
        return described === undefined ? [] : [described];
      });
      this.#declarations.set(file, found);
    }
    return found;
  }

  tagged(file: string): DifferentiableDeclaration[] {
    return this.declarations(file).filter(({ key, tagged, fullMask }) => {
      const node = this.lowerable(key);
      const registered =
        node !== undefined && (this.registration(node) ?? this.registration(node.parent as ts.Declaration));
      return tagged && fullMask.includes("1") && !registered;
    });
  }

  structs(file: string): StructOfClass[] {
    return (this.#index(file)?.classes ?? []).flatMap((node) => {
      const place = classPlace(this.host, node);
      const type = this.types.at(node);
      if (place === undefined || type.kind !== "struct" || this.#describesItself(node)) return [];
      // Without a descriptor, a branded number would look like a parameter to whoever walks the object.
      const described = [...type.fields().values()].some(
        (field) =>
          (field.kind !== "function" && passing(field) !== "-") ||
          (field.kind === "inert" && field.text === "NoDerivative"),
      );
      if (!described) return [];
      const stores = storedByPosition(this.host.ts, node);
      const struct = {
        classKey: classKey(this.host, node),
        className: place.name,
        attachAfter: place.attachAfter,
        type,
        ...(stores === undefined ? {} : { stores }),
      };
      return [
        hasPrivateNames(this.host.ts, node) ? { ...struct, privates: this.#privateState(node, place.name) } : struct,
      ];
    });
  }

  #privateState(node: ts.ClassLikeDeclaration, name: string): PrivateState {
    const { ts } = this.host;
    const fields = node.members.flatMap((member) =>
      ts.isPropertyDeclaration(member) && ts.isPrivateIdentifier(member.name) && !isStatic(ts, member)
        ? [member.name.text.slice(1)]
        : [],
    );
    const state = { name, end: node.getEnd() - 1, fields };
    const body = constructorOf(ts, node)?.body;
    if (body === undefined) return state;
    return {
      ...state,
      constructorBody: { start: body.getStart() + 1, derived: baseExpression(ts, node) !== undefined },
    };
  }

  /** `static [struct] = …`: a class may bring its own descriptor. */
  #describesItself(node: ts.ClassLikeDeclaration): boolean {
    const { ts } = this.host;
    return node.members.some((member) => {
      const name = member.name;
      if (name === undefined || !isStatic(ts, member) || !ts.isComputedPropertyName(name)) return false;
      return this.host.autodiffName(this.host.symbolOf(name.expression)) === "struct";
    });
  }

  diagnostics(file: string): Diagnostic[] {
    const index = this.#index(file);
    if (index === undefined) return [];
    return [
      ...this.#configurationProblems(file),
      ...this.#sitesOf(file).diagnostics,
      ...this.#allRegistrations().diagnostics.filter(({ span }) => span.file === file),
      ...checkFields(this.host, this.types, index),
    ];
  }

  semanticErrors(key: string): Diagnostic[] {
    const node = this.lowerable(key);
    if (node === undefined) return [];
    const from = node.getFullStart();
    const errors = this.#errorsIn(node.getSourceFile());
    return errors.filter(({ span }) => span.start >= from && span.start < node.end);
  }

  #errorsIn(file: ts.SourceFile): readonly Diagnostic[] {
    const known = this.#errors.get(file.fileName);
    if (known !== undefined) return known;
    const { ts } = this.host;
    const errors = this.host.program
      .getSemanticDiagnostics(file)
      .filter((d) => d.category === ts.DiagnosticCategory.Error && !styleErrors.has(d.code) && d.start !== undefined)
      .map(
        (d): Diagnostic => ({
          code: "PB2020",
          severity: "error",
          message: `TypeScript reports TS${d.code}: ${ts.flattenDiagnosticMessageText(d.messageText, "\n")}`,
          span: { file: file.fileName, start: d.start!, end: d.start! + (d.length ?? 1) },
          notes: [],
          hint: "Types decide what is differentiable: correct the type error.",
        }),
      );
    this.#errors.set(file.fileName, errors);
    return errors;
  }

  stopping(span: Span): Fix | undefined {
    return stopping(this.host, span);
  }

  importsOf(file: string): string[] {
    const { ts, checker } = this.host;
    const found = new Set<string>();
    for (const statement of this.#source(file).statements) {
      if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
      const specifier = statement.moduleSpecifier;
      const module = specifier === undefined ? undefined : checker.getSymbolAtLocation(specifier)?.valueDeclaration;
      if (module !== undefined && this.#sources.has(module.getSourceFile().fileName))
        found.add(module.getSourceFile().fileName);
    }
    return [...found];
  }

  #source(file: string): ts.SourceFile {
    const source = this.#sources.get(file) ?? this.host.program.getSourceFile(file);
    if (source === undefined) throw new Error(`Compiler defect: ${file} is not part of the program`);
    return source;
  }

  #index(file: string): FileIndex | undefined {
    let index = this.#indices.get(file);
    const source = this.#sources.get(file);
    if (index === undefined && source !== undefined) {
      index = indexFile(this.host, source);
      this.#indices.set(file, index);
    }
    return index;
  }

  *#allIndices(): Iterable<FileIndex> {
    for (const file of this.files) yield this.#index(file)!;
  }

  #allRegistrations(): Registrations {
    this.#registrations ??= findRegistrations(this.host, this.types, this.#allIndices());
    return this.#registrations;
  }

  #sitesOf(file: string): SitesOfFile {
    let found = this.#sites.get(file);
    if (found === undefined) {
      const index = this.#index(file);
      this.#wanted ??= new WantedNames(this.host);
      found = index === undefined ? { sites: [], diagnostics: [] } : findSites(this, index, this.#wanted);
      this.#sites.set(file, found);
    }
    return found;
  }

  #configurationProblems(file: string): Diagnostic[] {
    if (file !== this.files[0]) return [];
    return this.host.configuration.problems.map((problem) => ({
      code: "PB9003",
      severity: "error",
      message: `${problem.file}: ${problem.message}`,
      span: { file, start: 0, end: 0 },
      notes: [],
      hint: "Correct the configuration file.",
    }));
  }
}

function sameOptions(a: TypeHost, b: TypeHost): boolean {
  return JSON.stringify(a.configuration.options) === JSON.stringify(b.configuration.options);
}
