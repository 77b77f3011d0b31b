import { describe, expect, test } from "@jest/globals";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import ts from "typescript";
import { composeMap, Edits } from "./edits.ts";

describe("edits", () => {
  test("insertions at one offset: what closes there, inner first; statements; what opens there, outer first", () => {
    const edits = new Edits("a.ts", "f(x)g");
    edits.insert(2, "outer(", "open");
    edits.insert(2, "inner(", "open");
    edits.insert(3, ")outer", "close");
    edits.insert(3, ")inner", "close");
    edits.insert(3, "|one|");
    edits.insert(3, "|two|");
    expect(edits.apply().text).toBe("f(outer(inner(x)inner)outer|one||two|)g");
  });

  test("every offset of the result leads back to the character it came from", () => {
    const source = "let a = 1;\nlet b = 2;\n";
    const edits = new Edits("a.ts", source);
    edits.insert(0, "import x; ");
    edits.insert(11, "/* inserted */", "statement", [
      { generatedOffset: 3, span: { file: "b.ts", start: 40, end: 50 } },
      { generatedOffset: 9, span: { file: "a.ts", start: 4, end: 5 } },
    ]);
    const edited = edits.apply();
    for (let i = 0; i < source.length; i++) {
      const at = i < 11 ? i + 10 : i + 10 + 14;
      expect(edited.text[at]).toBe(source[i]);
      expect(edited.originOf(at)).toEqual({ file: "a.ts", offset: i });
    }
    expect(edited.originOf(3)).toBeUndefined();
    expect(edited.originOf(21 + 2)).toBeUndefined();
    expect(edited.originOf(21 + 5)).toEqual({ file: "b.ts", offset: 40 });
    expect(edited.originOf(21 + 13)).toEqual({ file: "a.ts", offset: 4 });
  });

  test("the composed map leads from JavaScript to the source as written", () => {
    const source = "const a: number = 1;\ninterface Gone {}\nexport const marked: number = a;\n";
    const edits = new Edits("/p/a.ts", source);
    edits.insert(0, "import * as $pb from 'x';\n\n");
    edits.insert(21, "\nextra();\n");
    const edited = edits.apply();
    const { outputText, sourceMapText } = ts.transpileModule(edited.text, {
      fileName: "/p/a.ts",
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, sourceMap: true },
    });
    const map = composeMap(sourceMapText ?? "", edited, "/p/a.ts", () => source);
    const line = outputText.split("\n").findIndex((text) => text.includes("marked"));
    const column = outputText.split("\n")[line].indexOf("marked");
    expect(originalPositionFor(new TraceMap(map), { line: line + 1, column })).toMatchObject({
      source: "/p/a.ts",
      line: 3,
      column: source.split("\n")[2].indexOf("marked"),
    });
    expect(JSON.parse(map).sourcesContent).toEqual([source]);
  });
});
