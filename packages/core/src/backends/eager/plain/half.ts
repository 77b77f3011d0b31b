/** float16 and bfloat16 are storage: bit patterns decoded to float32 and encoded once, rounding half to even. */

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The float32 whose bfloat16 pattern is `pattern` (exact). */
export function fromBfloat16(pattern: number): number {
  bits[0] = pattern << 16;
  return float[0];
}

export function toBfloat16(value: number): number {
  float[0] = value;
  const b = bits[0];
  if ((b & 0x7fffffff) > 0x7f800000) return (b >>> 16) | 0x40;
  return (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
}

/** The float32 whose IEEE binary16 pattern is `pattern` (exact). */
export function fromFloat16(pattern: number): number {
  const sign = (pattern & 0x8000) << 16;
  const exponent = (pattern >>> 10) & 31;
  const fraction = pattern & 1023;
  if (exponent === 0) return (sign < 0 ? -1 : 1) * fraction * 2 ** -24;
  bits[0] = sign | (exponent === 31 ? 0x7f800000 : (exponent + 112) << 23) | (fraction << 13);
  return float[0];
}

export function toFloat16(value: number): number {
  float[0] = value;
  const b = bits[0];
  const sign = (b >>> 16) & 0x8000;
  const magnitude = b & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 puts the rounding position at the last bit of a float32 whose unit there is 2^-24.
    float[0] = Math.abs(float[0]) + 0.5;
    return sign | (bits[0] - 0x3f000000);
  }
  return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
}
