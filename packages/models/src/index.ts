/** The model zoo. */
export { ConfigError, TokenizerError } from "./errors.ts";
export * from "./gemma/index.ts";
