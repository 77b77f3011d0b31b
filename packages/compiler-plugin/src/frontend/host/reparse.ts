/** Compiled JavaScript as a syntax tree that stands for the source file it was made from. */
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type ts from "typescript";
import type { TypeScript } from "./typescript.ts";

/**
 * Parses `code` into a tree that `program.emit` prints in the place of `original`; `map` is the source map from `code`
 * to the text of `original`, and the printer's own source maps lead there.
 */
export function reparse(ts: TypeScript, original: ts.SourceFile, code: string, map: string): ts.SourceFile {
  const { languageVersion, impliedNodeFormat } = original;
  const tree = ts.createSourceFile(
    original.fileName,
    code,
    { languageVersion, ...(impliedNodeFormat === undefined ? {} : { impliedNodeFormat }) },
    true,
    // In a JavaScript file no import is dropped for want of a checker's account of it.
    ts.ScriptKind.JS,
  );
  // What a program notes on its files beside the tree: paths, and the package.json that decides the module format.
  const noted = original as unknown as Record<string, unknown>;
  const target = tree as unknown as Record<string, unknown>;
  for (const name of ["path", "resolvedPath", "originalFileName", "packageJsonScope", "packageJsonLocations"]) {
    target[name] ??= noted[name];
  }
  mapRanges(ts, tree, original, new TraceMap(map));
  return tree;
}

/** Tells the printer where every node came from; nodes that have no source leave no trace in its source map. */
function mapRanges(ts: TypeScript, tree: ts.SourceFile, original: ts.SourceFile, map: TraceMap): void {
  const offsetOf = (position: number): number | undefined => {
    const { line, character } = tree.getLineAndCharacterOfPosition(position);
    const found = originalPositionFor(map, { line: line + 1, column: character });
    if (found.line === null || found.source !== original.fileName) return undefined;
    const starts = original.getLineStarts();
    return found.line > starts.length ? undefined : starts[found.line - 1] + found.column;
  };
  const visit = (node: ts.Node): void => {
    const start = offsetOf(node.getStart(tree));
    if (start === undefined) ts.setEmitFlags(node, ts.EmitFlags.NoSourceMap);
    else {
      const end = Math.max(start, offsetOf(Math.max(node.getStart(tree), node.getEnd() - 1)) ?? start);
      ts.setSourceMapRange(node, { pos: start, end, source: original });
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(tree, visit);
}
