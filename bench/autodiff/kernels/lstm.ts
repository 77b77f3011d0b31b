/** An LSTM cell written as loops over rows of a weight matrix: 16 units, 8 inputs, 6 time steps. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, sigmoid as sigmoidOf, Traced, tanh as tanhOf, tapeGradientOf } from "../tape.ts";

const units = 16;
const inputs = 8;
const width = inputs + units + 1;
const steps = 6;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** One row of the weights times [input, state, 1]. */
function row(weights: Float64Array, r: number, input: Float64Array, from: number, state: Float64Array): number {
  const base = r * width;
  let sum = weights[base + width - 1];
  for (let k = 0; k < inputs; k++) sum += weights[base + k] * input[from + k];
  for (let k = 0; k < units; k++) sum += weights[base + inputs + k] * state[k];
  return sum;
}

/** Rows of the weights: input, forget, candidate and output gate of each unit. */
function f(weights: Float64Array, input: Float64Array): number {
  let state = new Float64Array(units);
  const cell = new Float64Array(units);
  for (let t = 0; t < steps; t++) {
    const next = new Float64Array(units);
    for (let i = 0; i < units; i++) {
      const write = sigmoid(row(weights, i, input, t * inputs, state));
      const keep = sigmoid(row(weights, units + i, input, t * inputs, state));
      const candidate = Math.tanh(row(weights, 2 * units + i, input, t * inputs, state));
      const show = sigmoid(row(weights, 3 * units + i, input, t * inputs, state));
      cell[i] = keep * cell[i] + write * candidate;
      next[i] = show * Math.tanh(cell[i]);
    }
    state = next;
  }
  let loss = 0;
  for (let i = 0; i < units; i++) loss += state[i] * state[i];
  return loss;
}

function handWritten(weights: Float64Array, input: Float64Array): [Float64Array, Float64Array] {
  const states = new Float64Array((steps + 1) * units);
  const cells = new Float64Array((steps + 1) * units);
  const gates = new Float64Array(steps * 4 * units);
  for (let t = 0; t < steps; t++) {
    for (let r = 0; r < 4 * units; r++) {
      const base = r * width;
      let sum = weights[base + width - 1];
      for (let k = 0; k < inputs; k++) sum += weights[base + k] * input[t * inputs + k];
      for (let k = 0; k < units; k++) sum += weights[base + inputs + k] * states[t * units + k];
      gates[t * 4 * units + r] = r >= 2 * units && r < 3 * units ? Math.tanh(sum) : sigmoid(sum);
    }
    for (let i = 0; i < units; i++) {
      const g = t * 4 * units + i;
      const now = (t + 1) * units + i;
      cells[now] = gates[g + units] * cells[t * units + i] + gates[g] * gates[g + 2 * units];
      states[now] = gates[g + 3 * units] * Math.tanh(cells[now]);
    }
  }
  const dWeights = new Float64Array(weights.length);
  const dInput = new Float64Array(input.length);
  let dState = new Float64Array(units);
  for (let i = 0; i < units; i++) dState[i] = 2 * states[steps * units + i];
  const dCell = new Float64Array(units);
  const dGates = new Float64Array(4 * units);
  for (let t = steps - 1; t >= 0; t--) {
    for (let i = 0; i < units; i++) {
      const g = t * 4 * units + i;
      const write = gates[g];
      const keep = gates[g + units];
      const candidate = gates[g + 2 * units];
      const show = gates[g + 3 * units];
      const squashed = Math.tanh(cells[(t + 1) * units + i]);
      const d = dCell[i] + dState[i] * show * (1 - squashed * squashed);
      dGates[i] = d * candidate * write * (1 - write);
      dGates[units + i] = d * cells[t * units + i] * keep * (1 - keep);
      dGates[2 * units + i] = d * write * (1 - candidate * candidate);
      dGates[3 * units + i] = dState[i] * squashed * show * (1 - show);
      dCell[i] = d * keep;
    }
    const before = new Float64Array(units);
    for (let r = 0; r < 4 * units; r++) {
      const d = dGates[r];
      const base = r * width;
      for (let k = 0; k < inputs; k++) {
        dWeights[base + k] += d * input[t * inputs + k];
        dInput[t * inputs + k] += d * weights[base + k];
      }
      for (let k = 0; k < units; k++) {
        dWeights[base + inputs + k] += d * states[t * units + k];
        before[k] += d * weights[base + inputs + k];
      }
      dWeights[base + width - 1] += d;
    }
    dState = before;
  }
  return [dWeights, dInput];
}

function tracedRow(weights: Traced[], r: number, input: Traced[], from: number, state: Traced[]): Traced {
  const base = r * width;
  let sum = weights[base + width - 1];
  for (let k = 0; k < inputs; k++) sum = add(sum, mul(weights[base + k], input[from + k]));
  for (let k = 0; k < units; k++) sum = add(sum, mul(weights[base + inputs + k], state[k]));
  return sum;
}

function traced(weights: Traced[], input: Traced[]): Traced {
  let state = Array.from({ length: units }, () => new Traced(0));
  const cell = [...state];
  for (let t = 0; t < steps; t++) {
    const next: Traced[] = [];
    for (let i = 0; i < units; i++) {
      const write = sigmoidOf(tracedRow(weights, i, input, t * inputs, state));
      const keep = sigmoidOf(tracedRow(weights, units + i, input, t * inputs, state));
      const candidate = tanhOf(tracedRow(weights, 2 * units + i, input, t * inputs, state));
      const show = sigmoidOf(tracedRow(weights, 3 * units + i, input, t * inputs, state));
      cell[i] = add(mul(keep, cell[i]), mul(write, candidate));
      next[i] = mul(show, tanhOf(cell[i]));
    }
    state = next;
  }
  let loss = new Traced(0);
  for (const s of state) loss = add(loss, mul(s, s));
  return loss;
}

const weights = Float64Array.from({ length: 4 * units * width }, (_, i) => 0.3 * Math.sin(i * 1.7));
const input = Float64Array.from({ length: steps * inputs }, (_, i) => Math.cos(i * 0.9));
const compiled = gradient(f);

export const lstm: Kernel = {
  name: "LSTM cell by loops (16 units, 6 steps)",
  primal: () => f(weights, input),
  handWritten: () => handWritten(weights, input),
  compiled: () => compiled(weights, input),
  tape: () => tapeGradientOf(traced, weights, input),
};
