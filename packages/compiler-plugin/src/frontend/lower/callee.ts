/** Which function a call reaches: one of this program, a registered one, several, a value, or one without derivative. */
import type ts from "typescript";
import { type Callee, passing } from "../../hir/index.ts";
import {
  className,
  type FunctionNode,
  isAbstract,
  isFunctionNode,
  isStatic,
  isTopLevel,
  keyOf,
} from "../declarations/index.ts";
import { refusalOf } from "../host/index.ts";
import { publishedBy } from "./calls.ts";
import type { RegisteredTarget } from "./context.ts";
import type { Lowering } from "./lowering.ts";
import { transparent } from "./scan.ts";

/** The function that a declaration defines: itself, or the literal that a constant holds. */
export function functionOf(s: Lowering, declaration: ts.Declaration): FunctionNode | undefined {
  const { ts } = s;
  if (isFunctionNode(ts, declaration)) return declaration;
  if (ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined && isConstant(s, declaration)) {
    const value = transparent(ts, declaration.initializer);
    if ((ts.isArrowFunction(value) || ts.isFunctionExpression(value)) && isFunctionNode(ts, value)) return value;
  }
  return undefined;
}

export function isConstant(s: Lowering, declaration: ts.VariableDeclaration): boolean {
  const { ts } = s;
  return ts.isVariableDeclarationList(declaration.parent) && (declaration.parent.flags & ts.NodeFlags.Const) !== 0;
}

/** Overloads are declarations too: the one with a body counts. */
export function bodies(s: Lowering, symbol: ts.Symbol): FunctionNode[] {
  return (symbol.declarations ?? []).flatMap((d) => {
    const fn = functionOf(s, d);
    return fn === undefined || !s.context.isSource(fn) ? [] : [fn];
  });
}

/** What a registration says of the function that it is for. */
export function registered({ positions, receiver: _, ...target }: RegisteredTarget) {
  return { ...target, wrt: positions };
}

/** What a namespace does not export is seen nowhere else: derivatives could not stand beside its functions. */
export function isInNamespace({ ts }: Lowering, node: ts.Node): boolean {
  for (let outer = node.parent; !ts.isSourceFile(outer); outer = outer.parent) {
    if (ts.isModuleDeclaration(outer)) return true;
  }
  return false;
}

export const inNamespace = (text: string) => ({
  code: "PB1011",
  message: `${text} is declared inside of a namespace, where its derivatives cannot stand.`,
  hint: "Move the declaration to the top level of its module.",
});

/** A plain function by its name: `f`, `ns.f`, `C.make`. */
export function functionCallee(s: Lowering, symbol: ts.Symbol, text: string): Callee | undefined {
  for (const declaration of symbol.declarations ?? []) {
    const target = s.context.registration(declaration);
    if (target !== undefined) {
      return { kind: "registered", text, file: s.file, ...registered(target) };
    }
  }
  const [body] = bodies(s, symbol);
  if (body === undefined) return undefined;
  if (isInNamespace(s, body)) return { kind: "inert", text, file: s.file, refusal: inNamespace(text) };
  return { kind: "known", key: keyOf(s.host, body), text, file: s.file };
}

/** A member reached through an object; `accessor` when it is read or written as a property. */
export function memberCallee(
  s: Lowering,
  symbol: ts.Symbol,
  name: string,
  accessor?: "get" | "set",
): Callee | undefined {
  const { ts } = s;
  const wanted = (node: ts.Declaration) =>
    accessor === undefined
      ? ts.isMethodDeclaration(node) || ts.isMethodSignature(node)
      : accessor === "get"
        ? ts.isGetAccessor(node)
        : ts.isSetAccessor(node);
  const declarations = (symbol.declarations ?? []).filter(
    (d) =>
      wanted(d) ||
      (accessor !== undefined && ts.isPropertySignature(d)) ||
      (accessor !== undefined && ts.isPropertyDeclaration(d)),
  );
  const extra = accessor === undefined ? {} : { accessor };
  for (const declaration of declarations) {
    const target = s.context.registration(declaration);
    if (target !== undefined) {
      return { kind: "registered", text: "", file: s.file, method: name, ...registered(target), ...extra };
    }
  }
  if (declarations.length === 0) return undefined;
  // The implementations of an interface that has no derivative by its declaration need not be looked into.
  const owner = declarations[0]!.parent;
  if (ts.isInterfaceDeclaration(owner) && s.types.at(owner).kind === "inert" && !s.host.isAmbient(symbol))
    return { kind: "inert", text: name, file: "", method: name, ...extra };
  const reachable = new Set<ts.Declaration>();
  let open = false;
  for (const declaration of declarations) {
    reachable.add(declaration);
    const owner = declaration.parent;
    if (ts.isInterfaceDeclaration(owner) || ts.isTypeLiteralNode(owner)) open = true;
    if (isAbstract(ts, declaration)) open = true;
    if (accessor !== undefined && ts.isPropertySignature(declaration) && passing(s.types.ofSymbol(symbol)) !== "-") {
      const wide = s.host.checker.getTypeAtLocation(owner);
      for (const member of s.context.hierarchy.accessors(wide, name)) reachable.add(member);
    }
    if (!ts.isClassLike(owner) && !ts.isInterfaceDeclaration(owner)) continue;
    const type = s.host.checker.getTypeAtLocation(owner);
    const base = type.symbol as ts.Symbol | undefined;
    if (base !== undefined) for (const member of s.context.hierarchy.members(base, name)) reachable.add(member);
  }
  const functions = [...reachable].filter(
    (d) => wanted(d) && isFunctionNode(ts, d) && s.context.isSource(d),
  ) as FunctionNode[];
  const enclosed = functions.find((fn) => isInNamespace(s, fn));
  if (enclosed !== undefined)
    return { kind: "inert", text: name, file: "", method: name, refusal: inNamespace(name), ...extra };
  const isRegistered = [...reachable].some((d) => s.context.registration(d) !== undefined);
  const [only] = functions;
  if (only !== undefined && functions.length === 1 && !open && !isRegistered) {
    return {
      kind: "known",
      key: keyOf(s.host, only),
      text: prototypeText(s, only, name),
      file: s.file,
      method: name,
      ...extra,
    };
  }
  const first = declarations[0]!;
  if (functions.length === 0 && !open && !isRegistered) {
    // An accessor of an installed package, not a field, whatever it looks like.
    const published = accessor !== undefined && wanted(first) ? s.host.published(first) : undefined;
    if (published === undefined) return undefined;
    if (published.kind === "derivative")
      return {
        ...{ kind: "dynamic", key: `#${name}`, method: name, implementations: [], external: true, ...extra },
        ...publishedBy(s, symbol),
      };
    return { kind: "inert", text: name, file: "", method: name, refusal: refusalOf(name, published), ...extra };
  }
  return {
    kind: "dynamic",
    key: `${first.getSourceFile().fileName}#${ownerName(s, first)}.${name}`,
    method: name,
    implementations: functions.map((fn) => keyOf(s.host, fn)),
    ...extra,
  };
}

function ownerName(s: Lowering, declaration: ts.Declaration): string {
  const owner = declaration.parent;
  if (s.ts.isInterfaceDeclaration(owner)) return owner.name.text;
  return s.ts.isClassLike(owner) ? className(s.ts, owner) : "";
}

/** The method as a function, where its class has a name in this file; else it is found on the receiver. */
function prototypeText(s: Lowering, node: FunctionNode, name: string): string {
  const owner = node.parent;
  if (!s.ts.isClassLike(owner) || owner.getSourceFile().fileName !== s.file || !isTopLevel(s.ts, owner)) return "";
  return `${className(s.ts, owner)}.prototype.${name}`;
}

/** `super.m`: the base class's own method, whatever overrides it. */
export function superCallee(
  s: Lowering,
  symbol: ts.Symbol,
  base: string,
  name: string,
  accessor?: "get" | "set",
): Callee | undefined {
  const { ts } = s;
  const wanted = accessor === "get" ? ts.isGetAccessor : accessor === "set" ? ts.isSetAccessor : () => true;
  const body = bodies(s, symbol).find((each) => wanted(each));
  if (body === undefined || isStatic(s.ts, body)) return undefined;
  return { kind: "known", key: keyOf(s.host, body), text: `${base}.prototype.${name}`, file: s.file };
}
