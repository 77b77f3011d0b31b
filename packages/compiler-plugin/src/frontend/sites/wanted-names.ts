/**
 * Names whose declared types mention DifferentiableFunction, found by syntax alone. Asking the checker for the
 * contextual type of every function in a project would type-check the project; this tells where to ask.
 */
import type ts from "typescript";
import { descend, type TypeHost } from "../host/index.ts";

export class WantedNames {
  readonly #host: TypeHost;
  /** Types: aliases and interfaces that mention DifferentiableFunction, however indirectly. */
  readonly #types = new Set(["DifferentiableFunction"]);
  /** Functions, classes, properties and variables whose declared types mention one of those. */
  readonly #values = new Set<string>();

  /** With `known`, the names of an earlier program of which only the files `changed` have changed, inside functions. */
  constructor(host: TypeHost, known?: { readonly names: WantedNames; readonly changed: ReadonlySet<string> }) {
    this.#host = host;
    if (known !== undefined) {
      for (const name of known.names.#types) this.#types.add(name);
      for (const name of known.names.#values) this.#values.add(name);
    }
    const files = host.program
      .getSourceFiles()
      .filter((file) => known?.changed.has(file.fileName) ?? true)
      .filter((file) => !host.program.isSourceFileDefaultLibrary(file) && !file.fileName.includes("/@types/"))
      .filter((file) => host.packageOf(file.fileName) !== "@pullback/autodiff");
    let size = 0;
    do {
      size = this.#types.size + this.#values.size;
      const known = new RegExp(`\\b(${[...this.#types, ...this.#values].join("|")})\\b`);
      for (const file of files) if (known.test(file.text)) descend(file, (node) => this.#see(node));
    } while (this.#types.size + this.#values.size > size);
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Whether the place where an expression stands may want a DifferentiableFunction. */
  mayWant(node: ts.Expression): boolean {
    const { ts } = this.#host;
    const { parent } = node;
    if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
      return parent.expression !== node && this.#values.has(lastName(ts, parent.expression) ?? "");
    }
    if (ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent) || ts.isParameter(parent)) {
      return (
        parent.initializer === node &&
        (this.#mentions(parent.type) || this.#values.has(lastName(ts, parent.name) ?? ""))
      );
    }
    if (ts.isPropertyAssignment(parent) || ts.isShorthandPropertyAssignment(parent))
      return this.#values.has(parent.name.getText());
    if (ts.isBinaryExpression(parent)) {
      const assigns = parent.right === node && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
      if (assigns) return this.#values.has(lastName(ts, parent.left) ?? "");
      // `given ?? fallback`
      return this.mayWant(parent);
    }
    if (ts.isArrowFunction(parent) && parent.body === node) return this.#returnsOne(parent);
    if (ts.isReturnStatement(parent)) {
      let fn: ts.Node = parent;
      while (!ts.isFunctionLike(fn) && !ts.isSourceFile(fn)) fn = fn.parent;
      return ts.isFunctionLike(fn) && this.#returnsOne(fn);
    }
    if (
      ts.isConditionalExpression(parent) ||
      ts.isArrayLiteralExpression(parent) ||
      ts.isParenthesizedExpression(parent) ||
      ts.isAsExpression(parent) ||
      ts.isSatisfiesExpression(parent) ||
      ts.isSpreadElement(parent)
    ) {
      return this.mayWant(parent);
    }
    return false;
  }

  #returnsOne(fn: ts.SignatureDeclaration): boolean {
    const { ts } = this.#host;
    if (this.#mentions(fn.type) || this.#values.has(lastName(ts, fn.name) ?? "")) return true;
    return (ts.isArrowFunction(fn) || ts.isFunctionExpression(fn)) && this.mayWant(fn);
  }

  #mentions(node: ts.Node | undefined): boolean {
    if (node === undefined) return false;
    const { ts } = this.#host;
    if (ts.isIdentifier(node)) return this.#types.has(node.text);
    return ts.forEachChild(node, (child) => this.#mentions(child) || undefined) === true;
  }

  #signature(node: ts.SignatureDeclaration): boolean {
    return (
      this.#mentions(node.type) ||
      node.parameters.some((parameter) => this.#mentions(parameter.type)) ||
      (node.typeParameters ?? []).some((parameter) => this.#mentions(parameter))
    );
  }

  #see(node: ts.Node): void {
    const { ts } = this.#host;
    const value = (name: ts.Node | undefined) => {
      const text = lastName(ts, name);
      if (text !== undefined) this.#values.add(text);
    };
    if (ts.isTypeAliasDeclaration(node)) {
      if (this.#mentions(node.type)) this.#types.add(node.name.text);
    } else if (ts.isInterfaceDeclaration(node)) {
      if (
        node.members.some((member) => this.#mentions(member)) ||
        node.heritageClauses?.some((c) => this.#mentions(c))
      ) {
        this.#types.add(node.name.text);
      }
    } else if (ts.isClassLike(node)) {
      const extended = node.heritageClauses?.flatMap((clause) =>
        clause.types.map((type) => lastName(ts, type.expression)),
      );
      if (extended?.some((name) => name !== undefined && this.#values.has(name))) value(node.name);
    } else if (ts.isImportSpecifier(node) || ts.isExportSpecifier(node)) {
      if (node.propertyName !== undefined) {
        if (this.#types.has(node.propertyName.text)) this.#types.add(node.name.text);
        if (this.#values.has(node.propertyName.text)) value(node.name);
      }
    } else if (ts.isConstructorDeclaration(node)) {
      if (this.#signature(node)) value(node.parent.name);
    } else if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) {
      if (this.#signature(node) && ts.isVariableDeclaration(node.parent)) value(node.parent.name);
    } else if (ts.isFunctionLike(node)) {
      if (this.#signature(node)) value(node.name);
    }
    if (
      (ts.isPropertySignature(node) ||
        ts.isPropertyDeclaration(node) ||
        ts.isVariableDeclaration(node) ||
        ts.isParameter(node)) &&
      this.#mentions(node.type)
    ) {
      value(node.name);
    }
  }
}

function lastName(typescript: typeof ts, node: ts.Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (typescript.isIdentifier(node) || typescript.isPrivateIdentifier(node)) return node.text;
  if (typescript.isPropertyAccessExpression(node)) return node.name.text;
  if (
    typescript.isParenthesizedExpression(node) ||
    typescript.isNonNullExpression(node) ||
    typescript.isExpressionWithTypeArguments(node)
  ) {
    return lastName(typescript, node.expression);
  }
  return undefined;
}
