/** The typed errors of this package. Codes PB72xx are data, PB73xx training, PB74xx parameters and optimizers. */
import { PullbackError } from "@pullback/autodiff";

export { CheckpointError } from "@pullback/core";

/**
 * Data that cannot be read or batched. Codes: PB7201 an empty or impossible data set, PB7202 an index outside it,
 * PB7203 samples that do not stack into a batch, PB7204 a file that is not of its format, PB7205 a download that failed.
 */
export class DataError extends PullbackError {
  override readonly name: string = "DataError";
  readonly file: string | undefined;
  /** Line (from 1) in a text file. */
  readonly line: number | undefined;
  /** Byte offset in a binary file, or index of the sample. */
  readonly offset: number | undefined;

  constructor(
    message: string,
    details: { code: string; hint?: string; cause?: unknown; file?: string; line?: number; offset?: number },
  ) {
    const { file, line, offset, ...rest } = details;
    super(file === undefined ? message : `${file}${line === undefined ? "" : `:${line}`}: ${message}`, rest);
    this.file = file;
    this.line = line;
    this.offset = offset;
  }
}

/** The loss became NaN or infinite: code PB7301. The model is as it was before the step. */
export class NonFiniteError extends PullbackError {
  override readonly name: string = "NonFiniteError";
  /** The step (from 0) whose loss is not finite. */
  readonly step: number;
  readonly learningRate: number;
  readonly gradientNorm: number;

  constructor(
    message: string,
    details: { step: number; learningRate: number; gradientNorm: number; hint?: string; cause?: unknown },
  ) {
    const { step, learningRate, gradientNorm, ...rest } = details;
    super(message, { code: "PB7301", ...rest });
    this.step = step;
    this.learningRate = learningRate;
    this.gradientNorm = gradientNorm;
  }
}

/**
 * A gradient, state or hyper-parameter that does not fit the model or optimizer. Codes: PB7401 a gradient of another
 * model, PB7402 a hyper-parameter out of range, PB7403 a value that no optimizer can move, PB7404 nothing to freeze.
 */
export class ParameterError extends PullbackError {
  override readonly name: string = "ParameterError";
  /** The field path concerned, as `namedParameters` spells it; empty for a hyper-parameter. */
  readonly path: string;

  constructor(message: string, details: { code: string; path?: string; hint?: string; cause?: unknown }) {
    const { path, ...rest } = details;
    super(message, rest);
    this.path = path ?? "";
  }
}
