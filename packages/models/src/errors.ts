/** The errors of @pullback/models. */
import { PullbackError } from "@pullback/autodiff";

interface ErrorDetails {
  readonly code: string;
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * A model configuration that is absent, unreadable, unknown or contradicts itself.
 *
 * Codes: PB8101 no or unreadable config.json, PB8102 a model type that is not a Gemma of ours, PB8103 values that do
 * not fit each other, PB8104 a feature that the model does not have.
 */
export class ConfigError extends PullbackError {
  override readonly name: string = "ConfigError";
  constructor(message: string, details: ErrorDetails) {
    super(message, details);
  }
}

/**
 * Text that cannot become tokens.
 *
 * Codes: PB8201 no tokenizer for a text prompt, PB8202 text that the vocabulary cannot spell, PB8203 a token id that
 * the vocabulary does not have.
 */
export class TokenizerError extends PullbackError {
  override readonly name: string = "TokenizerError";
  constructor(message: string, details: ErrorDetails) {
    super(message, details);
  }
}
