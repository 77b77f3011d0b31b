/**
 * Edits of a source text that only insert, and the source map of what comes out. As nothing is ever removed, every
 * offset of the result is either an offset of the source or lies in one insertion, so positions map exactly.
 */
import { decodedMappings, encodedMappings, type SourceMapSegment, TraceMap } from "@jridgewell/trace-mapping";
import type { Span } from "../hir/types.ts";

/** `offset` characters into a generated text stands what came from `span`; in ascending order. */
export interface Mapping {
  readonly generatedOffset: number;
  readonly span: Span;
}

/**
 * Where an insertion stands among others at the same offset: text that closes what ends there (the innermost, inserted
 * last, first), then new statements, then text that opens what starts there (the outermost first).
 */
type Place = "close" | "statement" | "open";

interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly place: Place;
  readonly order: number;
  readonly mappings: readonly Mapping[];
}

const rank: Record<Place, number> = { close: 0, statement: 1, open: 2 };

/** A place in some source file. */
export interface Origin {
  readonly file: string;
  readonly offset: number;
}

export interface EditedText {
  readonly text: string;
  /** Where the character at `offset` of `text` came from; undefined for text that has no source. */
  originOf(offset: number): Origin | undefined;
}

export class Edits {
  readonly #file: string;
  readonly #source: string;
  readonly #insertions: Insertion[] = [];

  constructor(file: string, source: string) {
    this.#file = file;
    this.#source = source;
  }

  get isEmpty(): boolean {
    return this.#insertions.length === 0;
  }

  insert(at: number, text: string, place: Place = "statement", mappings: readonly Mapping[] = []): void {
    this.#insertions.push({ at, text, place, order: this.#insertions.length, mappings });
  }

  apply(): EditedText {
    const file = this.#file;
    const sorted = [...this.#insertions].sort(
      (a, b) =>
        a.at - b.at || rank[a.place] - rank[b.place] || (a.place === "close" ? b.order - a.order : a.order - b.order),
    );
    let text = "";
    let read = 0;
    /** Pieces of the result in order: source text from `origin` on, or an insertion. */
    const pieces: { start: number; origin: number; insertion?: Insertion }[] = [];
    for (const insertion of sorted) {
      if (insertion.at > read) {
        pieces.push({ start: text.length, origin: read });
        text += this.#source.slice(read, insertion.at);
        read = insertion.at;
      }
      pieces.push({ start: text.length, origin: insertion.at, insertion });
      text += insertion.text;
    }
    pieces.push({ start: text.length, origin: read });
    text += this.#source.slice(read);

    return {
      text,
      originOf(offset) {
        const piece = pieces[lastAtOrBefore(pieces, offset, (each) => each.start)];
        if (piece === undefined) return undefined;
        const into = offset - piece.start;
        if (piece.insertion === undefined) return { file, offset: piece.origin + into };
        const { mappings } = piece.insertion;
        const mapping = mappings[lastAtOrBefore(mappings, into, (each) => each.generatedOffset)];
        return mapping && { file: mapping.span.file, offset: mapping.span.start };
      },
    };
  }
}

/** Index of the last element whose position is at most `position`, or -1; positions ascend. */
function lastAtOrBefore<T>(items: readonly T[], position: number, positionOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positionOf(items[middle]) <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Offsets of the starts of the lines of a text. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
  return starts;
}

/** Line and column, both from 0. */
export function lineAndColumn(starts: readonly number[], offset: number): { line: number; column: number } {
  const line = Math.max(
    0,
    lastAtOrBefore(starts, offset, (start) => start),
  );
  return { line, column: offset - starts[line] };
}

/**
 * The map from JavaScript to the sources, given the map from JavaScript to the edited text.
 * `textOf` gives the text of each source file that the result maps to.
 */
export function composeMap(
  javascriptMap: string,
  edited: EditedText,
  file: string,
  textOf: (file: string) => string,
): string {
  const editedStarts = lineStarts(edited.text);
  const sources: string[] = [file];
  const startsOf: (readonly number[])[] = [lineStarts(textOf(file))];
  const indexOf = (source: string) => {
    const known = sources.indexOf(source);
    if (known >= 0) return known;
    startsOf.push(lineStarts(textOf(source)));
    return sources.push(source) - 1;
  };
  const mappings = decodedMappings(new TraceMap(javascriptMap)).map((line) =>
    line.map((segment): SourceMapSegment => {
      if (segment.length === 1) return [segment[0]];
      const origin = edited.originOf(editedStarts[segment[2]] + segment[3]);
      if (origin === undefined) return [segment[0]];
      const source = indexOf(origin.file);
      const position = lineAndColumn(startsOf[source], origin.offset);
      return [segment[0], source, position.line, position.column];
    }),
  );
  const composed = new TraceMap({ version: 3, names: [], sources, mappings });
  return JSON.stringify({
    version: 3,
    sources,
    sourcesContent: sources.map(textOf),
    names: [],
    mappings: encodedMappings(composed),
  });
}
