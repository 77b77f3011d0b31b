/** The program and its checker, with the questions that differentiation asks of them. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type ts from "typescript";
import type { Span } from "../../hir/types.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { type Published, PublishedPackages } from "./published.ts";
import { createHost } from "./source-files.ts";
import { loadTypeScript, type TypeScript } from "./typescript.ts";

export interface HostOptions {
  readonly rootFiles: readonly string[];
  readonly projectFolder: string;
  readonly tsconfig?: string;
  /** Texts that stand for files, by absolute path. */
  readonly overlay?: ReadonlyMap<string, string>;
  readonly oldHost?: TypeHost;
}

export class TypeHost {
  readonly ts: TypeScript;
  readonly configuration: Configuration;
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  /** Source files that are ours to compile. */
  readonly sources: readonly ts.SourceFile[];
  readonly packages: PublishedPackages;
  readonly #packages = new Map<string, string>();

  constructor(options: HostOptions) {
    const loaded = loadTypeScript(options.projectFolder);
    this.ts = loaded.ts;
    this.configuration = readConfiguration(loaded.ts, options.projectFolder, options.tsconfig);
    const overlay = options.overlay ?? new Map<string, string>();
    const host = createHost(loaded, this.configuration.options, options.projectFolder, overlay);
    this.program = loaded.ts.createProgram({
      rootNames: options.rootFiles,
      options: this.configuration.options,
      host,
      ...(options.oldHost === undefined ? {} : { oldProgram: options.oldHost.program }),
    });
    this.checker = this.program.getTypeChecker();
    this.packages = new PublishedPackages(loaded.ts, () =>
      this.program.getSourceFiles().flatMap((file) => (file.isDeclarationFile ? [file.fileName] : [])),
    );
    this.sources = this.program
      .getSourceFiles()
      .filter((file) => !file.isDeclarationFile && !file.fileName.includes("/node_modules/") && !isJson(file));
  }

  /** Every file that was read, TypeScript's own library files excepted. */
  inputs(): string[] {
    const sources = this.program.getSourceFiles().filter((file) => !this.program.isSourceFileDefaultLibrary(file));
    return [...this.configuration.files, ...sources.map((file) => file.fileName)];
  }

  span(node: ts.Node): Span {
    return { file: node.getSourceFile().fileName, start: node.getStart(), end: node.getEnd() };
  }

  /** The symbol of a name, imports followed to the declaration. */
  symbolOf(node: ts.Node): ts.Symbol | undefined {
    const symbol =
      node.parent !== undefined && this.ts.isShorthandPropertyAssignment(node.parent) && node.parent.name === node
        ? this.checker.getShorthandAssignmentValueSymbol(node.parent)
        : this.checker.getSymbolAtLocation(node);
    return symbol === undefined ? undefined : this.followed(symbol);
  }

  followed(symbol: ts.Symbol): ts.Symbol {
    if (symbol.flags & this.ts.SymbolFlags.Alias) return this.checker.getAliasedSymbol(symbol);
    // That of a function expression which a variable holds is replaced by a merged one as soon as its type is asked for.
    const { valueDeclaration } = symbol;
    if (valueDeclaration === undefined || !this.ts.isFunctionExpression(valueDeclaration)) return symbol;
    return (valueDeclaration as { symbol?: ts.Symbol }).symbol ?? symbol;
  }

  /** Whether a symbol is declared by the package of that name. */
  isFrom(symbol: ts.Symbol | undefined, packageName: string): boolean {
    const declaration = symbol?.declarations?.[0];
    return declaration !== undefined && this.packageOf(declaration.getSourceFile().fileName) === packageName;
  }

  /** The name of an export of @pullback/autodiff that a symbol denotes. */
  autodiffName(symbol: ts.Symbol | undefined): string | undefined {
    const declaration = symbol?.declarations?.[0];
    if (symbol === undefined || declaration === undefined || !this.isFrom(symbol, "@pullback/autodiff"))
      return undefined;
    // Not the properties of its types, such as the `pullback` of a value with its pullback.
    return this.ts.isFunctionDeclaration(declaration) || this.ts.isVariableDeclaration(declaration)
      ? symbol.name
      : undefined;
  }

  /** Whether a symbol belongs to JavaScript or its hosts: the library files and @types/node. */
  isAmbient(symbol: ts.Symbol): boolean {
    const declarations = symbol.declarations;
    if (declarations === undefined || declarations.length === 0) return false;
    return declarations.some((d) => {
      const file = d.getSourceFile();
      return this.program.isSourceFileDefaultLibrary(file) || file.fileName.includes("/node_modules/@types/node/");
    });
  }

  /** What the package of a declaration file says of a declaration's derivative; undefined for our own and the platform's. */
  published(declaration: ts.Declaration): Published | undefined {
    const file = declaration.getSourceFile();
    if (!file.isDeclarationFile) return undefined;
    if (this.program.isSourceFileDefaultLibrary(file) || file.fileName.includes("/node_modules/@types/node/"))
      return this.packages.elsewhere(declaration);
    const found = this.packages.of(declaration);
    // Ambient declarations of the project itself are nobody's package.
    return found.kind === "uncompiled" && !file.fileName.includes("/node_modules/") ? undefined : found;
  }

  /** Name of the package that a file belongs to, from the nearest package.json with a name. */
  packageOf(file: string): string {
    const folder = dirname(file);
    const known = this.#packages.get(folder);
    if (known !== undefined) return known;
    let name = "";
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) name = (JSON.parse(readFileSync(manifest, "utf8")) as { name?: string }).name ?? "";
    if (name === "" && dirname(folder) !== folder) name = this.packageOf(folder);
    this.#packages.set(folder, name);
    return name;
  }
}

const isJson = (file: ts.SourceFile) => file.fileName.endsWith(".json");
