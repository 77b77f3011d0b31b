/** Random numbers of every kind from fixed seeds: the same on every backend, in Node and in browsers. */
import { dropout, ones, permutation, rand, randn, randomInt, randomKey, setSeed } from "@pullback/core";

export async function draws(): Promise<number[]> {
  setSeed(9);
  const [a, b, c] = randomKey(5).split(3);
  const tensors = [
    rand([3], { key: a }),
    randn([3], { key: b }),
    randomInt([3], 0, 1000, { key: c }),
    permutation(5, { key: a!.foldIn(1) }),
    dropout(ones([6]), 0.5),
    rand([2]),
  ];
  const numbers: number[] = [];
  for (const x of tensors) numbers.push(...(await x.data()));
  return numbers;
}

/** What `draws` gives; the first six agree with a transcription of the generator in Python, and its normal quantiles. */
export const drawn: readonly number[] = [
  ...[0.4772675037384033, 0.951908528804779, 0.937748908996582],
  ...[-0.34436485171318054, 0.46749091148376465, 0.45419490337371826],
  ...[336, 672, 244],
  ...[4, 3, 2, 1, 0],
  ...[0, 0, 0, 2, 0, 2],
  ...[0.49336332082748413, 0.6641532182693481],
];
