/** Mechanical fixes: a brand on a field, withoutDerivative around an expression, a type, each with the import that it needs. */
import type ts from "typescript";
import type { Edit, Fix } from "../../check/index.ts";
import type { Span } from "../../hir/index.ts";
import type { TypeHost } from "../host/index.ts";

const autodiff = "@pullback/autodiff";

/** How a file calls an export of autodiff, with the edit that makes it known there. */
function imported(host: TypeHost, file: ts.SourceFile, name: string, kind: "type" | "value"): [string, Edit[]] {
  const { ts } = host;
  let place: ts.NamedImports | undefined;
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const clause = statement.importClause;
    const bindings = clause?.namedBindings;
    if (clause === undefined || bindings === undefined) continue;
    const ours = statement.moduleSpecifier.text === autodiff;
    const typesOnly = clause.phaseModifier === ts.SyntaxKind.TypeKeyword;
    if (typesOnly && kind === "value") continue;
    if (ts.isNamespaceImport(bindings)) {
      if (ours) return [`${bindings.name.text}.${name}`, []];
      continue;
    }
    // Another package may hand it on.
    const known = bindings.elements.find((element) => (element.propertyName ?? element.name).text === name);
    if (known !== undefined && (kind === "type" || !known.isTypeOnly)) return [known.name.text, []];
    if (ours && (!typesOnly || kind === "type")) place ??= bindings;
  }
  const prefix = (inTypes: boolean) => (kind === "type" && !inTypes ? "type " : "");
  const last = place?.elements.at(-1);
  if (place !== undefined && last !== undefined) {
    const end = last.getEnd();
    const inTypes = place.parent.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return [name, [{ span: { file: file.fileName, start: end, end }, text: `, ${prefix(inTypes)}${name}` }]];
  }
  const start = file.statements[0]?.getStart() ?? 0;
  const text = `import { ${prefix(false)}${name} } from "${autodiff}";\n`;
  return [name, [{ span: { file: file.fileName, start, end: start }, text }]];
}

/** Writes a declaration's type as `NoDerivative<…>`: after `nameEnd` where none is written. */
export function branding(host: TypeHost, written: ts.TypeNode | undefined, nameEnd: Span, text: string): Fix {
  const file = host.program.getSourceFile(nameEnd.file) as ts.SourceFile;
  const [name, edits] = imported(host, file, "NoDerivative", "type");
  const type = `${name}<${written?.getText() ?? text}>`;
  const edit = written === undefined ? { span: nameEnd, text: `: ${type}` } : { span: host.span(written), text: type };
  return { title: `Declare the type as ${type}`, edits: [...edits, edit] };
}

/** Gives a parameter whose type is written out the type DifferentiableFunction. */
export function carrying(host: TypeHost, node: ts.Expression): Fix | undefined {
  const { ts } = host;
  const declaration = ts.isIdentifier(node) ? host.symbolOf(node)?.valueDeclaration : undefined;
  if (declaration === undefined || !ts.isParameter(declaration) || declaration.type === undefined) return undefined;
  const [name, edits] = imported(host, declaration.getSourceFile(), "DifferentiableFunction", "type");
  const type = `${name}<${declaration.type.getText()}>`;
  return {
    title: `Declare the parameter as ${type}`,
    edits: [...edits, { span: host.span(declaration.type), text: type }],
  };
}

/** Puts a number or text, or the value that an assignment stores, into `withoutDerivative(…)`. */
export function stopping(host: TypeHost, { file, start, end }: Span): Fix | undefined {
  const { ts } = host;
  const source = host.program.getSourceFile(file);
  if (source === undefined) return undefined;
  let found: ts.Node | undefined;
  const visit = (node: ts.Node): void => {
    if (node.getEnd() < end || node.getStart() > start) return;
    if (node.getStart() === start && node.getEnd() === end && ts.isExpression(node)) found = node;
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (found === undefined) return undefined;
  const { parent } = found;
  const value = isAssignment(ts, found)
    ? found.right
    : isAssignment(ts, parent) && parent.left === found
      ? parent.right
      : found;
  // What an object holds may be reached by other ways, and what a function inside changes is not the result.
  const holdsFunction = (node: ts.Node): boolean =>
    ts.isFunctionLike(node) || ts.forEachChild(node, (child) => holdsFunction(child) || undefined) === true;
  if (holdsFunction(value)) return undefined;
  const { Any, NumberLike, StringLike, BooleanLike } = ts.TypeFlags;
  if (!(host.checker.getTypeAtLocation(value).flags & (Any | NumberLike | StringLike | BooleanLike))) return undefined;
  const [name, edits] = imported(host, source, "withoutDerivative", "value");
  const span = host.span(value);
  return {
    title: `Stop the derivative with ${name}(…)`,
    edits: [...edits, { span, text: `${name}(${value.getText()})` }],
  };
}

function isAssignment(typescript: typeof ts, node: ts.Node): node is ts.BinaryExpression {
  const { FirstAssignment, LastAssignment } = typescript.SyntaxKind;
  if (!typescript.isBinaryExpression(node)) return false;
  return node.operatorToken.kind >= FirstAssignment && node.operatorToken.kind <= LastAssignment;
}
