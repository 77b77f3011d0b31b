/**
 * Tangents have the same types in each TypeScript with an API: what autodiff's tangent-vector.test.ts states is checked in
 * 5.9 and 6. (7 has none; `npx -p typescript@7 tsc` checks it by hand.)
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import six from "typescript";
import five from "typescript-5.9";

const types = new URL("../../../autodiff/src/types/", import.meta.url);
const files = ["tangent-vector.test.ts", "../index.ts"].map((name) => fileURLToPath(new URL(name, types)));

test.each([five, six as unknown as typeof five])("TypeScript $version", (ts) => {
  const config = ts.findConfigFile(files[0] as string, ts.sys.fileExists) as string;
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    config.slice(0, config.lastIndexOf("/")),
  );
  const program = ts.createProgram(files, options);
  const found = program
    .getSemanticDiagnostics()
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  expect(found).toEqual([]);
  expect(program.getSourceFile(files[0] as string)).toBeDefined();
});
