/** Fields that would be trained or listed by accident: PB2010, PB2011. */
import type ts from "typescript";
import type { Diagnostic } from "../../check/index.ts";
import { passing, type Type } from "../../hir/index.ts";
import type { FileIndex } from "../declarations/index.ts";
import { isStatic } from "../declarations/index.ts";
import type { TypeHost } from "../host/index.ts";
import type { Types } from "../types/index.ts";
import { branding } from "./fixes.ts";

export function checkFields(host: TypeHost, types: Types, index: FileIndex): Diagnostic[] {
  const { ts } = host;
  const found: Diagnostic[] = [];
  const { fileName } = index.sourceFile;
  const strict = host.packageOf(fileName).startsWith("@pullback/") && !fileName.endsWith(".test.ts");
  for (const declaration of index.classes) {
    const type = types.at(declaration);
    if (type.kind !== "struct") continue;
    const holdsLeaf = [...type.fields().values()].some((field) => containsLeaf(field, new Set([type])));
    const isDifferentiable = [...type.fields().values()].some(
      (field) => field.kind !== "function" && passing(field) !== "-",
    );
    for (const member of fieldsOf(ts, declaration)) {
      const name = member.name;
      if (!holdsLeaf || !ts.isIdentifier(name) || types.at(member).kind !== "number") continue;
      const fix = branding(host, member.type, after(host, name), "number");
      found.push({
        code: "PB2010",
        severity: strict ? "error" : "warning",
        message: `${name.text} is a number beside leaves, so optimizers would train it.`,
        span: host.span(name),
        notes: [],
        hint: "Brand it: NoDerivative<number>, or Int for counts.",
        fix,
      });
    }
    if (!isDifferentiable) continue;
    for (const member of declaration.members) {
      if (!ts.isGetAccessor(member) || isStatic(ts, member) || !ts.isIdentifier(member.name)) continue;
      const name = member.name.text;
      if (declaration.members.some((other) => ts.isSetAccessor(other) && other.name.getText() === name)) continue;
      const result = types.at(member);
      if (passing(result) === "-" || result.kind === "function") continue;
      const text = host.checker.typeToString(host.checker.getTypeAtLocation(member));
      found.push({
        code: "PB2011",
        severity: "warning",
        message: `The accessor ${name} looks like a differentiable field to the type system.`,
        span: host.span(member.name),
        notes: [],
        hint: "Declare its type NoDerivative<…>.",
        fix: branding(host, member.type, after(host, member.name, 2), text),
      });
    }
  }
  return found;
}

function fieldsOf(
  typescript: typeof ts,
  node: ts.ClassLikeDeclaration,
): (ts.PropertyDeclaration | ts.ParameterDeclaration)[] {
  return node.members.flatMap((member): (ts.PropertyDeclaration | ts.ParameterDeclaration)[] => {
    if (typescript.isPropertyDeclaration(member)) return isStatic(typescript, member) ? [] : [member];
    if (!typescript.isConstructorDeclaration(member)) return [];
    return member.parameters.filter((p) => typescript.isParameterPropertyDeclaration(p, member));
  });
}

function containsLeaf(type: Type, seen: Set<Type>): boolean {
  if (seen.has(type) || seen.size > 200) return false;
  seen.add(type);
  switch (type.kind) {
    case "leaf":
      return true;
    case "array":
    case "map":
      return containsLeaf(type.element, seen);
    case "tuple":
      return type.elements.some((element) => containsLeaf(element, seen));
    case "union":
      return type.members.some((member) => containsLeaf(member, seen));
    case "struct":
      return [...type.fields().values()].some((field) => containsLeaf(field, seen));
    default:
      return false;
  }
}

function after(host: TypeHost, node: ts.Node, skip = 0) {
  const span = host.span(node);
  return { ...span, start: span.end + skip, end: span.end + skip };
}
