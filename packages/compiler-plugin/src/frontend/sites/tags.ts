/** `@differentiable` in JSDoc: on functions and methods, and on interface members, which obliges implementations. */
import type ts from "typescript";
import { keyOf, type Lowerable } from "../declarations/index.ts";
import type { TypeHost } from "../host/index.ts";

const tagName = "differentiable";

/** Whether a declaration, or the statement that holds it, bears the tag. */
export function isTagged({ ts }: TypeHost, node: ts.Node): boolean {
  return ts.getJSDocTags(node).some((tag) => tag.tagName.text === tagName);
}

/** How a function is tagged: itself, or through the member that it implements or overrides. */
export function tagOf(host: TypeHost, node: Lowerable): { tagged: boolean; interfaceKey?: string } {
  const { ts } = host;
  if (ts.isClassLike(node)) return { tagged: false };
  if (isTagged(host, node)) return { tagged: true };
  const owner = node.parent;
  if (
    !ts.isClassLike(owner) ||
    node.name === undefined ||
    ts.isPrivateIdentifier(node.name) ||
    ts.isConstructorDeclaration(node)
  ) {
    return { tagged: false };
  }
  const member = taggedMember(host, owner, node.name.getText(), new Set());
  return member === undefined ? { tagged: false } : { tagged: true, interfaceKey: member };
}

function taggedMember(
  host: TypeHost,
  owner: ts.ClassLikeDeclaration,
  name: string,
  seen: Set<ts.Node>,
): string | undefined {
  if (seen.has(owner)) return undefined;
  seen.add(owner);
  for (const clause of owner.heritageClauses ?? []) {
    for (const heritage of clause.types) {
      const type = host.checker.getTypeAtLocation(heritage);
      const property = host.checker.getPropertyOfType(type, name);
      for (const declaration of property?.declarations ?? []) {
        if (isTagged(host, declaration)) return memberKey(host, declaration, name);
        const base = declaration.parent;
        if (host.ts.isClassLike(base)) {
          const found = taggedMember(host, base, name, seen);
          if (found !== undefined) return found;
        }
      }
    }
  }
  return undefined;
}

function memberKey(host: TypeHost, declaration: ts.Declaration, name: string): string {
  const { ts } = host;
  const owner = declaration.parent;
  if (ts.isInterfaceDeclaration(owner)) return `${owner.getSourceFile().fileName}#${owner.name.text}.${name}`;
  return ts.isMethodDeclaration(declaration) ? keyOf(host, declaration) : `${owner.getSourceFile().fileName}#${name}`;
}
