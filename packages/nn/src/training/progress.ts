/** The progress of a run in the terminal: one line that is redrawn, or a line now and then where there is no terminal. */
import { Tensor } from "@pullback/core";
import { formatCount, formatDuration } from "./clock.ts";

/** Where progress is written; `process.stderr` is one. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface ProgressOptions<Batch> {
  /** What is counted per second; default "samples". */
  readonly unit?: string;
  /** How many of them a batch holds; by default the extent of the first axis of its first tensor. */
  readonly count?: (batch: Batch) => number;
  /** Default `process.stderr`. */
  readonly stream?: ProgressStream;
}

/** Redraws at most this often (in seconds) in a terminal, and writes a line this often elsewhere. */
const redrawAfter = 0.1;
const lineAfter = 10;

/** Shows loss, throughput and time left. */
export class Progress<Batch> {
  readonly #stream: ProgressStream | undefined;
  readonly #unit: string;
  readonly #count: (batch: Batch) => number;
  readonly #total: number | undefined;
  readonly #now: () => number;
  readonly #start: number;
  #counted = 0;
  #steps = 0;
  #smoothLoss = 0;
  #drawn = Number.NEGATIVE_INFINITY;

  /** `total`: steps of the run, where known. `now` gives seconds. */
  constructor(total: number | undefined, options: ProgressOptions<Batch> = {}, now = () => performance.now() / 1000) {
    this.#total = total;
    this.#stream = options.stream ?? globalThis.process?.stderr;
    this.#unit = options.unit ?? "samples";
    this.#count = options.count ?? leadingExtent;
    this.#now = now;
    this.#start = now();
  }

  /** After update number `step` (from 1) on `batch`. */
  update(step: number, loss: number, batch: Batch): void {
    this.#steps++;
    this.#counted += this.#count(batch);
    // A mean over about the last 20 steps, without the bias of its start.
    const weight = Math.max(0.05, 1 / this.#steps);
    this.#smoothLoss += (loss - this.#smoothLoss) * weight;
    const now = this.#now();
    const terminal = this.#stream?.isTTY === true;
    const last = step === this.#total;
    if (!last && now - this.#drawn < (terminal ? redrawAfter : lineAfter)) return;
    this.#drawn = now;
    this.#stream?.write(terminal ? `\r\x1b[K${this.#line(step, now)}` : `${this.#line(step, now)}\n`);
  }

  /** Ends the line; writes `text` below it. */
  finish(text = ""): void {
    const terminal = this.#stream?.isTTY === true && this.#steps > 0;
    this.#stream?.write(`${terminal ? "\n" : ""}${text === "" ? "" : `${text}\n`}`);
  }

  /** Whether there is a terminal to draw in. */
  get interactive(): boolean {
    return this.#stream?.isTTY === true;
  }

  #line(step: number, now: number): string {
    const seconds = now - this.#start;
    const rate = seconds > 0 ? this.#counted / seconds : 0;
    const parts = [`loss ${this.#smoothLoss.toFixed(4)}`, `${formatCount(rate)} ${this.#unit}/s`];
    if (this.#total === undefined) return [`step ${step}`, ...parts, formatDuration(seconds)].join("  ");
    const left = step >= this.#total ? seconds : (seconds / this.#steps) * (this.#total - step);
    parts.push(step >= this.#total ? `in ${formatDuration(left)}` : `${formatDuration(left)} left`);
    const text = [`step ${String(step).padStart(String(this.#total).length)}/${this.#total}`, ...parts].join("  ");
    const room = Math.min(30, (this.#stream?.columns ?? 80) - text.length - 3);
    return !this.interactive || room < 5 ? text : `${bar(step / this.#total, room)} ${text}`;
  }
}

function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, fraction) * width);
  return `${"█".repeat(filled)}${"░".repeat(width - filled)}`;
}

/** Samples in a batch: the first extent of its first tensor, 1 where there is none. */
export function leadingExtent(batch: unknown): number {
  if (batch instanceof Tensor) return batch.shape[0] ?? 1;
  if (typeof batch !== "object" || batch === null) return 1;
  for (const part of Object.values(batch)) if (part instanceof Tensor) return part.shape[0] ?? 1;
  return 1;
}
