/** The record of a run: one JSON object per line. */
import { DataError } from "../errors.ts";

/** One line of the log: a training step, or a validation (`validation` holds its results). */
export interface LogEntry {
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number;
  readonly learningRate?: number;
  /** Seconds since the run began. */
  readonly seconds: number;
  readonly validation?: Readonly<Record<string, number>>;
}

/** Appends entries to a file, several at a time. A continued run goes on in the same file, after the step it resumed. */
export class RunLog {
  readonly #path: string;
  #waiting: string[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens the log for a run that goes on after `step`, and leaves out later lines that an earlier run wrote. */
  static async open(path: string, step: number): Promise<RunLog> {
    const { mkdir, writeFile } = await import("node:fs/promises");
    const { dirname } = await import("node:path");
    await mkdir(dirname(path), { recursive: true });
    const kept = step === 0 ? [] : (await readRunLog(path).catch(() => [])).filter((entry) => entry.step <= step);
    await writeFile(path, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    return new RunLog(path);
  }

  async write(entry: LogEntry): Promise<void> {
    this.#waiting.push(`${JSON.stringify(entry)}\n`);
    if (this.#waiting.length >= 50) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { appendFile } = await import("node:fs/promises");
    const lines = this.#waiting.join("");
    this.#waiting = [];
    await appendFile(this.#path, lines);
  }
}

/** The entries of a run's log. Throws DataError PB7204 with the line that is no JSON. */
export async function readRunLog(path: string): Promise<LogEntry[]> {
  const { readFile } = await import("node:fs/promises");
  const lines = (await readFile(path, "utf8")).split("\n");
  return lines.flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      return [JSON.parse(line) as LogEntry];
    } catch (cause) {
      throw new DataError("this line is not valid JSON", { code: "PB7204", file: path, line: i + 1, cause });
    }
  });
}
