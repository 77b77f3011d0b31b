/** Fourier transforms against their definition, at every length up to 40 and some longer ones. */
import { describe, expect, test } from "@jest/globals";
import {
  AxisError,
  DTypeError,
  fft,
  ifft,
  irfft,
  randn,
  randomKey,
  rfft,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from "../index.ts";

const lengths = [...Array.from({ length: 40 }, (_, i) => i + 1), 64, 97, 100, 120, 128];

function signal(n: number, seed: number): Tensor {
  return randn([2, n], { key: randomKey(seed), dtype: "float64" });
}

/** The largest difference between a tensor of two rows and Σ_t x[t] e^(sign 2π i k t / n) of each. */
function distance(real: Tensor, imag: Tensor, re: Tensor, im: Tensor, sign: number): number {
  const n = re.shape[1]!;
  const [x, y, gotRe, gotIm] = [re, im, real, imag].map((t) => t.dataSync());
  let worst = 0;
  for (let row = 0; row < 2; row++)
    for (let k = 0; k < n; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let t = 0; t < n; t++) {
        const angle = (sign * 2 * Math.PI * ((k * t) % n)) / n;
        sumRe += x![row * n + t]! * Math.cos(angle) - y![row * n + t]! * Math.sin(angle);
        sumIm += x![row * n + t]! * Math.sin(angle) + y![row * n + t]! * Math.cos(angle);
      }
      worst = Math.max(worst, Math.abs(gotRe![row * n + k]! - sumRe), Math.abs(gotIm![row * n + k]! - sumIm));
    }
  return worst;
}

const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().item();

describe("Fourier transforms", () => {
  test.each(lengths)("of length %i", (n) => {
    const [re, im] = [signal(n, 1), signal(n, 2)];
    const spectrum = fft({ real: re, imag: im });
    expect(distance(spectrum.real, spectrum.imag, re, im, -1)).toBeLessThan(1e-12 * n);
    const back = ifft(spectrum);
    expect(gap(back.real, re)).toBeLessThan(1e-13 * n);
    expect(gap(back.imag, im)).toBeLessThan(1e-13 * n);
    const half = rfft(re);
    expect(half.real.shape).toEqual([2, Math.floor(n / 2) + 1]);
    expect(gap(irfft(half, { n }), re)).toBeLessThan(1e-13 * n);
    const scaled = fft(re, { norm: "ortho" });
    const energy = scaled.real.square().add(scaled.imag.square()).sum().item();
    expect(energy).toBeCloseTo(re.square().sum().item(), 9);
  });

  test("along an axis, cut and filled with zeros", () => {
    const x = signal(5, 3);
    const whole = fft(x.transpose(), { axis: 0 });
    expect(gap(whole.real.transpose(), fft(x).real)).toBe(0);
    expect(gap(fft(x, { n: 3 }).real, fft(x.slice("...", [0, 3])).real)).toBe(0);
    expect(
      gap(
        fft(x, { n: 8 }).real,
        fft(
          x.pad([
            [0, 0],
            [0, 3],
          ]),
        ).real,
      ),
    ).toBe(0);
  });

  test("what it refuses", () => {
    expect(() => fft(zeros([3], { dtype: "int32" }))).toThrow(DTypeError);
    expect(() => fft({ real: zeros([3]), imag: zeros([4]) })).toThrow(ShapeError);
    expect(() => rfft(tensor([1, 2]), { axis: 1 })).toThrow(AxisError);
    expect(() => fft(tensor([1, 2]), { n: 0 })).toThrow(ShapeError);
    expect(() => irfft({ real: zeros([1]), imag: zeros([1]) })).toThrow(ShapeError);
  });
});
