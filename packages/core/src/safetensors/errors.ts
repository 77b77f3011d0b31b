/** The error of everything that reads or writes weights. */
import { PullbackError } from "@pullback/autodiff";

/**
 * A checkpoint that cannot be read, or that does not fit the model it is loaded into.
 *
 * Codes: PB7101 malformed header, PB7102 shorter or longer than its header says, PB7103 missing file or shard,
 * PB7104 element type without a dtype of ours, PB7105 no tensor of that name, PB7106 not writable,
 * PB7110 names or shapes that do not fit the model, PB7111 optimizer state that does not fit.
 */
export class CheckpointError extends PullbackError {
  override readonly name: string = "CheckpointError";
  /** The file or folder concerned, where there is one. */
  readonly path: string | undefined;
  /** The names of the tensors concerned; empty when the whole file is. */
  readonly names: readonly string[];

  constructor(
    message: string,
    options: { code: string; hint?: string; cause?: unknown; path?: string; names?: readonly string[] },
  ) {
    const { path, names, ...rest } = options;
    super(path === undefined ? message : `${path}: ${message}`, rest);
    this.path = path;
    this.names = names ?? [];
  }
}
