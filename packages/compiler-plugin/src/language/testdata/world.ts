/** State of a module, and objects that keep theirs to themselves. */
export const tally = { turns: 0, list: [] as number[], said: 0 };

/** What `Math.random` answered. */
export const drawn: number[] = [];

export function say(_text: string): void {
  tally.said++;
}

class Meter {
  #readings = 0;
  read(): number {
    return 1 + ++this.#readings;
  }
  last(): number {
    return 1 + this.#readings;
  }
}

export const meter: { read(): number; last(): number } = new Meter();
