/**
 * Erases types by writing spaces over them, after the idea of Bloomberg's ts-blank-space: lines and columns stay, and
 * it costs a parse, where TypeScript's own emit costs several. What spaces cannot express (enums, namespaces,
 * decorators, a few line breaks) is left to that emit: `undefined`. Parameter properties become fields and assignments.
 */
import type ts from "typescript";
import { descend } from "./descend.ts";
import type { TypeScript } from "./typescript.ts";

/** Text to add at an offset of the erased text, on the same line. */
export interface Addition {
  readonly at: number;
  readonly text: string;
}

export interface Erased {
  /** As long as the source, line for line. */
  readonly text: string;
  readonly additions: readonly Addition[];
}

export function eraseTypes(api: TypeScript, source: ts.SourceFile): Erased | undefined {
  const eraser = new Eraser(api, source);
  try {
    source.forEachChild((node) => descend(node, (each) => eraser.visit(each)));
  } catch (error) {
    if (error === notErasable) return undefined;
    throw error;
  }
  return eraser.result();
}

const notErasable = Symbol("not erasable");

class Eraser {
  readonly #ts: TypeScript;
  readonly #source: ts.SourceFile;
  readonly #text: string;
  readonly #blanks: { start: number; end: number; first: string }[] = [];
  readonly #additions: Addition[] = [];

  constructor(api: TypeScript, source: ts.SourceFile) {
    this.#ts = api;
    this.#source = source;
    this.#text = source.text;
  }

  result(): Erased {
    let text = "";
    let read = 0;
    for (const { start, end, first } of this.#blanks.sort((a, b) => a.start - b.start)) {
      if (start < read) continue;
      text += this.#text.slice(read, start) + first;
      text += this.#text.slice(start + first.length, end).replace(/[^\s]/g, " ");
      read = end;
    }
    return { text: text + this.#text.slice(read), additions: this.#additions.sort((a, b) => a.at - b.at) };
  }

  /** Blanks what is erased of one node; answers false where nothing inside it is left. */
  visit(node: ts.Node): boolean {
    const ts = this.#ts;
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return false;
    if (this.#statement(node)) return false;
    if (ts.isClassLike(node)) this.#class(node);
    else if (ts.isFunctionLike(node)) this.#function(node);
    else if (ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node))
      this.#typed(node);
    else if (ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isTaggedTemplateExpression(node)) {
      this.#angles(node.typeArguments);
    } else if (ts.isExpressionWithTypeArguments(node)) {
      if (node.typeArguments !== undefined && !ts.isHeritageClause(node.parent)) throw notErasable;
      this.#angles(node.typeArguments);
    } else if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) this.#afterExpression(node);
    else if (ts.isNonNullExpression(node)) this.#blank(node.end - 1, node.end);
    else if (ts.isImportSpecifier(node) || ts.isExportSpecifier(node)) {
      if (node.isTypeOnly) this.#withComma(node);
    } else if (ts.isTypeAssertionExpression(node) || ts.isDecorator(node)) throw notErasable;
    return true;
  }

  /** Blanks statements that are all types; answers whether it did. */
  #statement(node: ts.Node): boolean {
    const ts = this.#ts;
    const isDeclared =
      ts.canHaveModifiers(node) && (node.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword);
    const isType =
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true) ||
      (ts.isExportDeclaration(node) && node.isTypeOnly) ||
      (ts.isFunctionDeclaration(node) && node.body === undefined) ||
      (isDeclared && ts.isStatement(node));
    if (isType) {
      // The semicolon ends a statement before it that had none of its own.
      this.#blank(node.getStart(this.#source), node.end, ";");
      return true;
    }
    if (
      ts.isEnumDeclaration(node) ||
      ts.isModuleDeclaration(node) ||
      ts.isImportEqualsDeclaration(node) ||
      ts.isNamespaceExportDeclaration(node) ||
      (ts.isExportAssignment(node) && node.isExportEquals === true) ||
      (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.Using) === ts.NodeFlags.Using)
    ) {
      throw notErasable;
    }
    return false;
  }

  #class(node: ts.ClassLikeDeclaration): void {
    const ts = this.#ts;
    this.#modifiers(node);
    this.#angles(node.typeParameters);
    for (const clause of node.heritageClauses ?? []) {
      if (clause.token === ts.SyntaxKind.ImplementsKeyword) this.#blank(clause.getStart(this.#source), clause.end);
    }
    const parameterProperties: string[] = [];
    for (const member of node.members) {
      const isAbsent =
        ts.isIndexSignatureDeclaration(member) ||
        this.#hasModifier(member, ts.SyntaxKind.AbstractKeyword) ||
        this.#hasModifier(member, ts.SyntaxKind.DeclareKeyword) ||
        ((ts.isMethodDeclaration(member) || ts.isConstructorDeclaration(member)) && member.body === undefined);
      if (isAbsent) this.#blank(member.getStart(this.#source), member.end, ";");
      else if (ts.isConstructorDeclaration(member))
        parameterProperties.push(...this.#parameterProperties(node, member));
    }
    if (parameterProperties.length > 0) {
      const fields = parameterProperties.map((name) => ` ${name};`).join("");
      this.#additions.push({ at: this.#text.indexOf("{", this.#headEnd(node)) + 1, text: fields });
    }
  }

  /** Where the head of a class ends, after which only trivia stand before its brace. */
  #headEnd(node: ts.ClassLikeDeclaration): number {
    const trailing = node.heritageClauses ?? node.typeParameters;
    if (trailing !== undefined) return trailing.end;
    if (node.name !== undefined) return node.name.end;
    return this.#text.indexOf("class", node.getStart(this.#source)) + "class".length;
  }

  /** `constructor(readonly x = 1) { super(); … }`: x is assigned as soon as there is a `this`. */
  #parameterProperties(node: ts.ClassLikeDeclaration, initialiser: ts.ConstructorDeclaration): string[] {
    const ts = this.#ts;
    const names: string[] = [];
    for (const parameter of initialiser.parameters) {
      if (parameter.modifiers === undefined || parameter.modifiers.length === 0) continue;
      if (!ts.isIdentifier(parameter.name)) throw notErasable;
      names.push(parameter.name.text);
    }
    if (names.length === 0 || initialiser.body === undefined) return names;
    const derived = (node.heritageClauses ?? []).some(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
    const { statements } = initialiser.body;
    const superCall = statements.find(
      (statement) =>
        ts.isExpressionStatement(statement) &&
        ts.isCallExpression(statement.expression) &&
        statement.expression.expression.kind === ts.SyntaxKind.SuperKeyword,
    );
    if (derived && superCall === undefined) throw notErasable;
    const at = superCall?.end ?? initialiser.body.getStart(this.#source) + 1;
    const assignments = names.map((name) => ` this.${name} = ${name};`).join("");
    this.#additions.push({ at, text: superCall === undefined ? assignments : `;${assignments}` });
    return names;
  }

  #function(node: ts.SignatureDeclaration): void {
    const ts = this.#ts;
    this.#modifiers(node);
    if ("questionToken" in node && node.questionToken !== undefined) this.#token(node.questionToken);
    const isArrow = ts.isArrowFunction(node);
    this.#angles(node.typeParameters, isArrow);
    const [first] = node.parameters;
    if (first !== undefined && ts.isIdentifier(first.name) && first.name.text === "this") this.#withComma(first);
    this.#annotation(node.type, isArrow);
  }

  #typed(node: ts.ParameterDeclaration | ts.VariableDeclaration | ts.PropertyDeclaration): void {
    this.#modifiers(node);
    if ("questionToken" in node && node.questionToken !== undefined) this.#token(node.questionToken);
    if ("exclamationToken" in node && node.exclamationToken !== undefined) this.#token(node.exclamationToken);
    this.#annotation(node.type, false);
  }

  #hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
    return this.#ts.canHaveModifiers(node) && (node.modifiers ?? []).some((modifier) => modifier.kind === kind);
  }

  /** `private`, `readonly` and so on. */
  #modifiers(node: ts.Node): void {
    const ts = this.#ts;
    if (!ts.canHaveModifiers(node)) return;
    for (const [i, modifier] of (node.modifiers ?? []).entries()) {
      const { kind } = modifier;
      if (
        kind !== ts.SyntaxKind.PublicKeyword &&
        kind !== ts.SyntaxKind.PrivateKeyword &&
        kind !== ts.SyntaxKind.ProtectedKeyword &&
        kind !== ts.SyntaxKind.ReadonlyKeyword &&
        kind !== ts.SyntaxKind.AbstractKeyword &&
        kind !== ts.SyntaxKind.OverrideKeyword
      ) {
        continue;
      }
      // A member that then starts with a bracket or star would continue a field before it that has no semicolon.
      const next = this.#text[this.#afterTrivia(modifier.end)];
      const isMember = ts.isClassElement(node);
      this.#blank(modifier.getStart(this.#source), modifier.end, i === 0 && isMember && /[[*]/.test(next) ? ";" : "");
    }
  }

  /** From the colon to the end of a type. */
  #annotation(type: ts.TypeNode | undefined, onOneLine: boolean): void {
    if (type === undefined) return;
    const colon = this.#text.lastIndexOf(":", type.pos);
    if (onOneLine && this.#text.slice(colon, type.end).includes("\n")) throw notErasable;
    this.#blank(colon, type.end);
  }

  /** Type parameters or arguments with their angle brackets. */
  #angles(list: ts.NodeArray<ts.Node> | undefined, onOneLine = false): void {
    if (list === undefined) return;
    const start = list.pos - 1;
    const end = this.#text.indexOf(">", this.#afterTrivia(list.end)) + 1;
    if (onOneLine && this.#text.slice(start, end).includes("\n")) throw notErasable;
    this.#blank(start, end);
  }

  /** ` as T`, ` satisfies T`. */
  #afterExpression(node: ts.AsExpression | ts.SatisfiesExpression): void {
    const next = this.#afterTrivia(node.end);
    // The type ended a statement that its expression, left alone, would carry on into the next line.
    if (this.#text.slice(node.end, next).includes("\n") && /[([`+\-*/]/.test(this.#text[next] ?? "")) throw notErasable;
    this.#blank(node.expression.end, node.end);
  }

  #withComma(node: ts.Node): void {
    const next = this.#afterTrivia(node.end);
    this.#blank(node.getStart(this.#source), this.#text[next] === "," ? next + 1 : node.end);
  }

  #token(node: ts.Node): void {
    this.#blank(node.getStart(this.#source), node.end);
  }

  /** Offset of the next character that is neither white space nor comment. */
  #afterTrivia(offset: number): number {
    const trivia = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
    trivia.lastIndex = offset;
    trivia.test(this.#text);
    return trivia.lastIndex;
  }

  #blank(start: number, end: number, first = ""): void {
    this.#blanks.push({ start, end, first });
  }
}
