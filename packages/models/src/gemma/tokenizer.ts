/** What a model needs of a tokenizer. */

export interface Tokenizer {
  /** Token ids of `text`; `bos` puts the beginning-of-sequence token first. Throws TokenizerError. */
  encode(text: string, options?: { readonly bos?: boolean }): number[];
  /** The text of `ids`; control tokens have none, and incomplete UTF-8 reads as U+FFFD. */
  decode(ids: readonly number[]): string;
}
