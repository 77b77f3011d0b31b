/** Functions of another file, for second derivatives: recursion, a module's constants, a method with a loop. */
export class Cubic {
  constructor(public c: number[]) {}
  at(x: number): number {
    let s = 0;
    for (let i = this.c.length - 1; i >= 0; i--) s = s * x + (this.c[i] as number);
    return s;
  }
}

const scale = 2;

export function twist(x: number, y: number): number {
  return wound(x, 3) * Math.sin(y) * scale;
}

function wound(x: number, turns: number): number {
  return turns <= 0 ? x : x * wound(Math.sin(x), turns - 1) + flattened(x);
}

const flattened = (x: number): number => Math.log(1 + x * x);
