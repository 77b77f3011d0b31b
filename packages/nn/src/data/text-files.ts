/** Text, JSONL and CSV files, line by line. */
import { DataError } from "../errors.ts";
import { Stream } from "./stream.ts";

/** The lines of a text file, without their ends. */
export function readLines(path: string): Stream<string> {
  return new Stream(async function* () {
    for await (const [, line] of numbered(path)) yield line;
  });
}

/**
 * The values of a JSONL file, one per line; empty lines are passed over.
 *
 * @throws DataError PB7204, while reading, with the line that is no JSON
 */
export function readJsonLines<T = unknown>(path: string): Stream<T> {
  return new Stream(async function* () {
    for await (const [number, line] of numbered(path)) {
      if (line.trim() === "") continue;
      let value: T;
      try {
        value = JSON.parse(line);
      } catch (cause) {
        throw new DataError("this line is not valid JSON", { code: "PB7204", file: path, line: number, cause });
      }
      yield value;
    }
  });
}

export interface CsvOptions {
  /** Default ",". */
  readonly separator?: string;
  /** The columns' names; by default the first line has them. */
  readonly columns?: readonly string[];
}

/**
 * The rows of a CSV file (RFC 4180: quoted fields may hold separators, doubled quotes and line ends) as objects of text.
 *
 * @throws DataError PB7204, while reading, with the line of a row that has too few or too many fields, or of a quote that
 *   is not closed or stands where none may
 */
export function readCsv(path: string, { separator = ",", columns }: CsvOptions = {}): Stream<Record<string, string>> {
  return new Stream(async function* () {
    let names = columns;
    for await (const { fields, line } of csvRows(path, separator)) {
      if (names === undefined) {
        names = fields;
        continue;
      }
      if (fields.length !== names.length) {
        throw new DataError(`${fields.length} fields instead of ${names.length}`, {
          code: "PB7204",
          file: path,
          line,
          hint: `The columns are: ${names.join(", ")}.`,
        });
      }
      yield Object.fromEntries(names.map((name, i) => [name, fields[i]!]));
    }
  });
}

async function* csvRows(path: string, separator: string): AsyncGenerator<{ fields: string[]; line: number }> {
  const fail = (message: string, line: number) => new DataError(message, { code: "PB7204", file: path, line });
  let fields: string[] = [];
  let open: string | undefined;
  let first = 0;
  for await (const [number, line] of numbered(path)) {
    if (open === undefined) {
      if (line === "") continue;
      first = number;
    } else open += "\n";
    let at = 0;
    for (;;) {
      if (open !== undefined) {
        const end = line.indexOf('"', at);
        if (end < 0) {
          open += line.slice(at);
          break;
        }
        open += line.slice(at, end);
        at = end + 1;
        if (line[at] === '"') {
          open += '"';
          at++;
          continue;
        }
        if (at < line.length && line[at] !== separator) throw fail("text after a closing quote", number);
        fields.push(open);
        open = undefined;
      } else if (line[at] === '"') {
        open = "";
        at++;
        continue;
      } else {
        const end = line.indexOf(separator, at);
        const field = end < 0 ? line.slice(at) : line.slice(at, end);
        if (field.includes('"')) throw fail("a quote inside a field that does not begin with one", number);
        fields.push(field);
        at = end < 0 ? line.length : end;
      }
      if (at >= line.length) break;
      at += separator.length;
      if (at === line.length) {
        fields.push("");
        break;
      }
    }
    if (open !== undefined) continue;
    yield { fields, line: first };
    fields = [];
  }
  if (open !== undefined) throw fail("a quote is not closed", first);
}

async function* numbered(path: string): AsyncGenerator<[number: number, line: string]> {
  const { createReadStream } = await import("node:fs");
  const { createInterface } = await import("node:readline");
  const input = createReadStream(path);
  const failed = new Promise<never>((_, reject) => input.once("error", reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  let number = 0;
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed]);
      if (next.done === true) return;
      const line = next.value;
      yield [++number, number === 1 ? line.replace(/^\uFEFF/, "") : line];
    }
  } finally {
    input.destroy();
  }
}
