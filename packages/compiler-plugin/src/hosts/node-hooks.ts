/** Node's module customization hooks (the `module.register` form that Node 20 has). */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";

type Next = (specifier: string, context: { conditions?: string[] }) => Promise<unknown>;

export async function resolve(specifier: string, context: { conditions: string[] }, next: Next) {
  return next(specifier, { ...context, conditions: [...context.conditions, "@pullback/source"] });
}

export async function load(url: string, context: object, next: Next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  const source = await readFile(fileURLToPath(url), "utf8");
  const { outputText } = ts.transpileModule(source, {
    fileName: fileURLToPath(url),
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
      inlineSources: true,
    },
  });
  return { format: "module", source: outputText, shortCircuit: true };
}
