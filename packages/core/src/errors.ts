/** The errors of @pullback/core: each names the operation, the values that were wrong, and the caller's line. */
import { PullbackError } from "@pullback/autodiff";

export interface ErrorDetails {
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The folder of this package's own code; frames below it are not the caller's. */
const ownFolder = import.meta.url.slice(0, import.meta.url.lastIndexOf("/") + 1).replace(/^file:\/\//, "");

function isOwnFrame(frame: string): boolean {
  return frame.includes(ownFolder) && !/\.test\.[cm]?[jt]s/.test(frame);
}

/** Drops this package's frames from an error's stack and writes the caller's line into the message. */
function pointAtCaller(error: Error): void {
  const stack = error.stack;
  if (stack === undefined) return;
  const lines = stack.split("\n");
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  if (first < 0) return;
  const frames = lines.slice(first);
  const caller = frames.findIndex((frame) => !isOwnFrame(frame));
  if (caller < 0) return;
  const place = /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/.exec(frames[caller]!);
  if (place !== null) {
    const [what, ...hint] = error.message.split("\n");
    error.message = [`${what} (at ${place[1]!.replace(/^file:\/\//, "")})`, ...hint].join("\n");
  }
  error.stack = `${error.name}: ${error.message}\n${frames.slice(caller).join("\n")}`;
}

/**
 * An error that came up while a recorded program ran, made to point at the call that recorded the operation: its line
 * in the message, its stack, and below it where the program was run.
 */
export function pointAtRecording(error: unknown, recorded: string | undefined): unknown {
  if (!(error instanceof PullbackError) || recorded === undefined) return error;
  const observed = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  error.message = error.message.replace(/ \(at [^()\s]+:\d+:\d+\)/, "");
  error.stack = `${error.name}: ${error.message}\n${recorded.slice(recorded.search(/^\s+at /m))}`;
  pointAtCaller(error);
  error.stack += `\n    observed\n${observed.join("\n")}`;
  return error;
}

/** Shapes that do not fit the operation. */
export class ShapeError extends PullbackError {
  override readonly name: string = "ShapeError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6101", ...details });
    pointAtCaller(this);
  }
}

/** A dtype that the operation does not accept. */
export class DTypeError extends PullbackError {
  override readonly name: string = "DTypeError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6102", ...details });
    pointAtCaller(this);
  }
}

/** An axis that the tensor does not have, or that is named twice. */
export class AxisError extends PullbackError {
  override readonly name: string = "AxisError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6103", ...details });
    pointAtCaller(this);
  }
}

/** An element index outside its axis. */
export class IndexError extends PullbackError {
  override readonly name: string = "IndexError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6104", ...details });
    pointAtCaller(this);
  }
}

/** A backend that is absent, cannot do what is asked, or does not hold the operand. */
export class BackendError extends PullbackError {
  override readonly name: string = "BackendError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6105", ...details });
    pointAtCaller(this);
  }
}

/** A tensor that does not fit the engine's memory. */
export class OutOfMemoryError extends PullbackError {
  override readonly name: string = "OutOfMemoryError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6106", ...details });
    pointAtCaller(this);
  }
}

/** A matrix that an operation of linear algebra cannot take: singular, or not positive definite. */
export class LinearAlgebraError extends PullbackError {
  override readonly name: string = "LinearAlgebraError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { code: "PB6107", ...details });
    pointAtCaller(this);
  }
}
