/** Under which names a file knows some exports of autodiff: a cheap filter before the checker is asked. */
import type ts from "typescript";
import type { TypeHost } from "../host/index.ts";

export function localNames(
  { ts }: TypeHost,
  sourceFile: ts.SourceFile,
  exported: readonly string[],
): ReadonlySet<string> {
  const names = new Set(exported);
  for (const statement of sourceFile.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    for (const { propertyName, name } of bindings.elements) {
      if (propertyName !== undefined && exported.includes(propertyName.text)) names.add(name.text);
    }
  }
  return names;
}
