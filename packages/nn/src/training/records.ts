/** What a run writes down: its log, and the page at its end. */
import { htmlReport } from "./report.ts";
import { type LogEntry, RunLog, readRunLog } from "./run-log.ts";

export interface RecordOptions {
  readonly log?: string;
  readonly report?: string;
}

export class Records {
  readonly #options: RecordOptions;
  readonly #log: RunLog | undefined;
  readonly #earlier: readonly LogEntry[];
  readonly #entries: LogEntry[] = [];
  readonly #start = performance.now();

  private constructor(options: RecordOptions, log: RunLog | undefined, earlier: readonly LogEntry[]) {
    this.#options = options;
    this.#log = log;
    this.#earlier = earlier;
  }

  /** For a run that goes on after `step`. A continued run's page shows the steps before too, from its log. */
  static async open(options: RecordOptions, step: number): Promise<Records> {
    const { log } = options;
    if (log === undefined) return new Records(options, undefined, []);
    const opened = await RunLog.open(log, step);
    return new Records(options, opened, step === 0 ? [] : await readRunLog(log));
  }

  async step(entry: Omit<LogEntry, "seconds">): Promise<void> {
    const before = this.#earlier.at(-1)?.seconds ?? 0;
    const timed = { ...entry, seconds: before + (performance.now() - this.#start) / 1000 };
    if (this.#options.report !== undefined) this.#entries.push(timed);
    await this.#log?.write(timed);
  }

  async close(): Promise<void> {
    await this.#log?.flush();
    const { report } = this.#options;
    if (report === undefined) return;
    const { mkdir, writeFile } = await import("node:fs/promises");
    const { basename, dirname } = await import("node:path");
    await mkdir(dirname(report), { recursive: true });
    await writeFile(report, htmlReport(basename(report, ".html"), [...this.#earlier, ...this.#entries]));
  }
}
