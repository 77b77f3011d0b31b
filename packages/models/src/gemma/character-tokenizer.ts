/** A tokenizer whose tokens are single characters: enough to train a small model from scratch, and nothing to download. */
import type { NoDerivative } from "@pullback/autodiff";
import { TokenizerError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Gemma's ids for the tokens that have no text; characters follow. */
const special = ["<pad>", "<eos>", "<bos>"] as const;

/**
 * One token per Unicode code point, in code point order after `<pad>` 0, `<eos>` 1 and `<bos>` 2. It knows only the
 * characters that it was given.
 */
export class CharacterTokenizer implements Tokenizer {
  readonly beginToken = 2;
  readonly stopToken = 1;
  readonly characters: readonly string[];
  private readonly ids: ReadonlyMap<string, number>;

  /** The vocabulary of all characters in `text`; `text` may also be an earlier tokenizer's `characters`, joined. */
  constructor(text: string) {
    this.characters = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    this.ids = new Map(this.characters.map((character, i) => [character, special.length + i]));
  }

  get vocabularySize(): NoDerivative<number> {
    return special.length + this.characters.length;
  }

  /** Throws TokenizerError PB8202 for a character that is not in the vocabulary. */
  encode(text: string, { bos = false }: { readonly bos?: boolean } = {}): number[] {
    const ids = bos ? [this.beginToken] : [];
    for (const character of text) {
      const id = this.ids.get(character);
      if (id === undefined) {
        throw new TokenizerError(`the vocabulary has no character ${JSON.stringify(character)}`, {
          code: "PB8202",
          hint: `It knows ${JSON.stringify(this.characters.join(""))}; leave others out, or train on text that has them.`,
        });
      }
      ids.push(id);
    }
    return ids;
  }

  /** Throws TokenizerError PB8203 for an id outside the vocabulary. */
  decode(ids: readonly number[]): string {
    return ids.map((id) => this.characterOf(id)).join("");
  }

  private characterOf(id: number): string {
    if (!Number.isSafeInteger(id) || id < 0 || id >= this.vocabularySize) {
      throw new TokenizerError(`${id} is no token of this vocabulary`, {
        code: "PB8203",
        hint: `Ids run from 0 to ${this.vocabularySize - 1}.`,
      });
    }
    return this.characters[id - special.length] ?? "";
  }
}
