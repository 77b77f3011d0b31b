/** The base of every error that Pullback throws on purpose. */

export interface PullbackErrorOptions {
  /** Stable identifier, such as "PB9001"; tests and programs match on it, never on the text. */
  readonly code: string;
  /** What to do about it, in one or more lines. */
  readonly hint?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * An error with a stable `code` and a `hint`. The message carries all three, so that a bare stack trace in a terminal
 * already says what was wrong and what to do.
 */
export class PullbackError extends Error {
  override readonly name: string = "PullbackError";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(message: string, options: PullbackErrorOptions) {
    const { code, hint } = options;
    const text = hint === undefined ? message : `${message}\n  ${hint.replaceAll("\n", "\n  ")}`;
    super(`${code}: ${text}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = hint;
  }
}
