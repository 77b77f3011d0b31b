/** The jest transformer: compiles each TypeScript file with the differentiating compiler. */
import ts from "typescript";

export default {
  process(source: string, path: string) {
    const { outputText } = ts.transpileModule(source, {
      fileName: path,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        inlineSourceMap: true,
        inlineSources: true,
      },
    });
    return { code: outputText };
  },
};
