/**
 * WebAssembly code as TypeScript expressions: `f32x4.add(a, f32x4.mul(b, c))` is the value, its bytes come with it.
 * An expression leaves one value on the stack, a statement none; control flow is structured, so no labels appear.
 * Opcodes: the WebAssembly 2.0 core specification (SIMD included) and the relaxed SIMD proposal.
 */

export type ValueType = "i32" | "f32" | "f64" | "v128";
export type Code = readonly number[];

/** A value and the instructions that compute it. */
export class Expression {
  readonly code: Code;
  constructor(code: Code) {
    this.code = code;
  }
}

export type Statement = Code;

export class Local extends Expression {
  readonly index: number;
  readonly type: ValueType;
  constructor(index: number, type: ValueType) {
    super([0x20, ...unsigned(index)]);
    this.index = index;
    this.type = type;
  }
  set(value: Expression): Statement {
    return [...value.code, 0x21, ...unsigned(this.index)];
  }
}

export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

function ieee32(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}

function ieee64(value: number): number[] {
  return [...new Uint8Array(new Float64Array([value]).buffer)];
}

function apply(opcode: Code, ...operands: Expression[]): Expression {
  return new Expression([...operands.flatMap((operand) => operand.code), ...opcode]);
}

type Unary = (a: Expression) => Expression;
type Binary = (a: Expression, b: Expression) => Expression;

const unary =
  (...opcode: number[]): Unary =>
  (a) =>
    apply(opcode, a);
const binary =
  (...opcode: number[]): Binary =>
  (a, b) =>
    apply(opcode, a, b);
const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const unaryVector = (opcode: number) => unary(...vector(opcode));
const binaryVector = (opcode: number) => binary(...vector(opcode));

/** Addresses are bytes; `offset` is a constant added to them. Alignment is only a hint: 0 claims nothing. */
const load =
  (...opcode: number[]) =>
  (address: Expression, offset = 0): Expression =>
    apply([...opcode, 0, ...unsigned(offset)], address);
const store =
  (...opcode: number[]) =>
  (address: Expression, value: Expression, offset = 0): Statement => [
    ...address.code,
    ...value.code,
    ...opcode,
    0,
    ...unsigned(offset),
  ];

export const i32 = {
  const: (value: number) => new Expression([0x41, ...signed(value)]),
  load: load(0x28),
  load8s: load(0x2c),
  load8u: load(0x2d),
  load16u: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  lt: binary(0x48),
  gt: binary(0x4a),
  le: binary(0x4c),
  ge: binary(0x4e),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shr: binary(0x75),
  shrUnsigned: binary(0x76),
  rotl: binary(0x77),
  select: (condition: Expression, a: Expression, b: Expression) => apply([0x1b], a, b, condition),
};

export const f32 = {
  const: (value: number) => new Expression([0x43, ...ieee32(value)]),
  load: load(0x2a),
  store: store(0x38),
  eq: binary(0x5b),
  le: binary(0x5f),
  abs: unary(0x8b),
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  min: binary(0x96),
  max: binary(0x97),
  fromF64: unary(0xb6),
  select: (condition: Expression, a: Expression, b: Expression) => apply([0x1b], a, b, condition),
};

export const f64 = {
  const: (value: number) => new Expression([0x44, ...ieee64(value)]),
  load: load(0x2b),
  store: store(0x39),
  sqrt: unary(0x9f),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  fromI32: unary(0xb7),
  fromF32: unary(0xbb),
};

const lane = (opcode: number) => (a: Expression, index: number) => apply([...vector(opcode), index], a);

export const v128 = {
  load: load(...vector(0)),
  store: store(...vector(11)),
  load32Splat: load(...vector(9)),
  load64Splat: load(...vector(10)),
  load32Zero: load(...vector(92)),
  /** Eight signed bytes as 16-bit lanes. */
  load8x8: load(...vector(1)),
  /** Four unsigned 16-bit values as 32-bit lanes. */
  load16x4Unsigned: load(...vector(4)),
  store32Lane0: (address: Expression, value: Expression, offset = 0): Statement => [
    ...address.code,
    ...value.code,
    ...vector(90),
    0,
    ...unsigned(offset),
    0,
  ],
  not: unaryVector(77),
  and: binaryVector(78),
  /** a and not b. */
  andnot: binaryVector(79),
  or: binaryVector(80),
  xor: binaryVector(81),
  /** Bits of `a` where the mask is set, of `b` elsewhere. */
  select: (mask: Expression, a: Expression, b: Expression) => apply(vector(82), a, b, mask),
  /** Bytes 0–15 come from `a`, 16–31 from `b`. */
  shuffle: (a: Expression, b: Expression, bytes: readonly number[]) => apply([...vector(13), ...bytes], a, b),
};

export const i32x4 = {
  const: (...lanes: [number, number, number, number]) =>
    new Expression([...vector(12), ...new Uint8Array(new Int32Array(lanes).buffer)]),
  splat: unaryVector(17),
  lane: lane(27),
  /** The vector with one lane replaced. */
  withLane: (a: Expression, index: number, value: Expression) => apply([...vector(28), index], a, value),
  /** Products of two times eight signed 16-bit lanes, neighbours added. */
  dot: binaryVector(186),
  eq: binaryVector(55),
  ne: binaryVector(56),
  lt: binaryVector(57),
  gt: binaryVector(59),
  shl: (a: Expression, bits: number) => apply(vector(171), a, i32.const(bits)),
  shr: (a: Expression, bits: number) => apply(vector(172), a, i32.const(bits)),
  shrUnsigned: (a: Expression, bits: number) => apply(vector(173), a, i32.const(bits)),
  add: binaryVector(174),
  sub: binaryVector(177),
  mul: binaryVector(181),
  maxUnsigned: binaryVector(185),
  /** Converts floats by truncation, saturating; NaN gives 0. */
  fromF32x4: unaryVector(248),
  /** Eight 16-bit from two times four 32-bit lanes, saturating. */
  narrow: binaryVector(133),
  /** Sixteen 8-bit from two times eight 16-bit lanes, saturating. */
  narrow16: binaryVector(101),
  /** The lower or upper four of eight signed 16-bit lanes. */
  extendLow: unaryVector(167),
  extendHigh: unaryVector(168),
  /** The low four unsigned bytes as 32-bit lanes. */
  fromBytes: (a: Expression) => unaryVector(169)(unaryVector(137)(a)),
};

export const i8x16 = {
  splat: unaryVector(15),
  shl: (a: Expression, bits: number) => apply(vector(107), a, i32.const(bits)),
  shrUnsigned: (a: Expression, bits: number) => apply(vector(109), a, i32.const(bits)),
  sub: binaryVector(113),
};

export const i16x8 = {
  /** The lower or upper eight of sixteen signed bytes. */
  extendLow: unaryVector(135),
  extendHigh: unaryVector(136),
  shrUnsigned: (a: Expression, bits: number) => apply(vector(141), a, i32.const(bits)),
};

export const f32x4 = {
  const: (value: number) => {
    const bytes = ieee32(value);
    return new Expression([...vector(12), ...bytes, ...bytes, ...bytes, ...bytes]);
  },
  splat: unaryVector(19),
  lane: lane(31),
  eq: binaryVector(65),
  ne: binaryVector(66),
  lt: binaryVector(67),
  gt: binaryVector(68),
  le: binaryVector(69),
  ge: binaryVector(70),
  ceil: unaryVector(103),
  floor: unaryVector(104),
  trunc: unaryVector(105),
  nearest: unaryVector(106),
  abs: unaryVector(224),
  neg: unaryVector(225),
  sqrt: unaryVector(227),
  add: binaryVector(228),
  sub: binaryVector(229),
  mul: binaryVector(230),
  div: binaryVector(231),
  min: binaryVector(232),
  max: binaryVector(233),
  /** `b < a ? b : a`: on x86 one instruction, where `min` is several; NaN in `a` stays. */
  pmin: binaryVector(234),
  /** `a < b ? b : a`; NaN in `a` stays. */
  pmax: binaryVector(235),
  fromI32x4: unaryVector(250),
  /** a · b + c, fused or not as the machine likes. Only where `hasRelaxedSimd`. */
  relaxedMadd: (a: Expression, b: Expression, c: Expression) => apply(vector(0x105), a, b, c),
};

export const f64x2 = {
  const: (value: number) => {
    const bytes = ieee64(value);
    return new Expression([...vector(12), ...bytes, ...bytes]);
  },
  splat: unaryVector(20),
  lane: lane(33),
  add: binaryVector(240),
  sub: binaryVector(241),
  mul: binaryVector(242),
  div: binaryVector(243),
  min: binaryVector(244),
  max: binaryVector(245),
  sqrt: unaryVector(239),
  /** Two doubles as the two low floats, zeros above. */
  toLowF32x4: unaryVector(94),
  /** The two low floats as doubles. */
  fromLowF32x4: unaryVector(95),
  relaxedMadd: (a: Expression, b: Expression, c: Expression) => apply(vector(0x107), a, b, c),
};

/** Whole stretches of memory; overlapping ones move as if by way of a copy. */
export const memory = {
  move: (to: Expression, from: Expression, bytes: Expression): Statement => [
    ...to.code,
    ...from.code,
    ...bytes.code,
    ...[0xfc, 10, 0, 0],
  ],
  fill: (to: Expression, byte: Expression, bytes: Expression): Statement => [
    ...to.code,
    ...byte.code,
    ...bytes.code,
    ...[0xfc, 11, 0],
  ],
};

export const sequence = (...statements: Statement[]): Statement => statements.flat();

const empty = 0x40;

/** Brings memory into the caches ahead of its use. */
export const touch = (address: Expression, offset = 0): Statement => [...i32.load8u(address, offset).code, 0x1a];

export function when(condition: Expression, then: Statement, otherwise?: Statement): Statement {
  const end = otherwise === undefined ? [] : [0x05, ...otherwise];
  return [...condition.code, 0x04, empty, ...then, ...end, 0x0b];
}

/** Tests before each round. */
export function loopWhile(condition: Expression, body: Statement): Statement {
  return when(condition, [0x03, empty, ...body, ...condition.code, 0x0d, 0, 0x0b]);
}

/** `for (; counter < end; counter += step) body`; the caller sets the counter first. `end` must be cheap to repeat. */
export function loopTo(counter: Local, end: Expression, step: number, body: Statement): Statement {
  return loopWhile(i32.lt(counter, end), sequence(body, counter.set(i32.add(counter, i32.const(step)))));
}
