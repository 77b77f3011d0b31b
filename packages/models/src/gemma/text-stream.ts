/** Turns tokens into pieces of text as they come, cutting neither a UTF-8 sequence nor a stop string in two. */
import type { Tokenizer } from "./tokenizer.ts";

/** One generated token and the text that it adds. */
export interface Piece {
  readonly token: number;
  /** "" without a tokenizer. */
  readonly text: string;
}

/**
 * Tokens go in one by one and come out as pieces, each exactly once and in order. A token whose text may still change
 * (an incomplete UTF-8 sequence) or may turn out to begin a stop string waits until that is decided.
 */
export class TextStream {
  /** True once a stop string has been met; what belongs to it has not come out. */
  stopped = false;

  private readonly tokenizer: Tokenizer | undefined;
  private readonly stops: readonly string[];
  /** Tokens that give the text after them its context, with their text: decoding is not a concatenation in general. */
  private context: number[] = [];
  private contextText = "";
  private waiting: number[] = [];

  constructor(tokenizer: Tokenizer | undefined, stops: readonly string[] = []) {
    this.tokenizer = tokenizer;
    this.stops = stops.filter((stop) => stop.length > 0);
  }

  /** Takes a token in and gives the pieces that are now certain. */
  push(token: number): Piece[] {
    if (this.tokenizer === undefined) return [{ token, text: "" }];
    this.waiting.push(token);
    const text = this.newText(this.tokenizer);
    const stop = firstMatch(text, this.stops);
    if (stop >= 0) {
      this.stopped = true;
      return this.release(text.slice(0, stop), stop > 0);
    }
    if (text.endsWith("\uFFFD") || this.stops.some((one) => endsWithPrefix(text, one))) return [];
    return this.release(text, true);
  }

  /** The pieces that were still waiting, when no more tokens come. */
  flush(): Piece[] {
    if (this.tokenizer === undefined || this.waiting.length === 0 || this.stopped) return [];
    return this.release(this.newText(this.tokenizer), true);
  }

  private newText(tokenizer: Tokenizer): string {
    return tokenizer.decode([...this.context, ...this.waiting]).slice(this.contextText.length);
  }

  /** The first waiting token carries the text of all of them. */
  private release(text: string, any: boolean): Piece[] {
    const pieces = any ? this.waiting.map((token, i) => ({ token, text: i === 0 ? text : "" })) : [];
    this.context = this.waiting;
    this.contextText = this.tokenizer!.decode(this.context);
    this.waiting = [];
    return pieces;
  }
}

function firstMatch(text: string, stops: readonly string[]): number {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  return places.length === 0 ? -1 : Math.min(...places);
}

/** Whether `text` ends with a beginning of `stop`. */
function endsWithPrefix(text: string, stop: string): boolean {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return true;
  }
  return false;
}
