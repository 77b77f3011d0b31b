/**
 * Balances a pole on a cart with a policy gradient (Williams 1992, REINFORCE, with the mean return as baseline). The
 * environment is below: the equations of Barto, Sutton and Anderson 1983 with the constants everyone uses, an episode of
 * at most 200 steps of 20 ms, one point per step while the pole is within 12° and the cart within 2.4 m.
 *
 *     npx pullback run examples/cart-pole.ts
 */
import { parseArgs } from "node:util";
import { valueWithGradient } from "@pullback/autodiff";
import { randomKey, type Tensor, tensor } from "@pullback/core";
import { Adam, type Layer, Linear } from "@pullback/nn";

/** Position, velocity, angle, angular velocity. */
type State = readonly [x: number, v: number, angle: number, omega: number];

const [gravity, cartMass, poleMass, halfLength, force, tau] = [9.8, 1, 0.1, 0.5, 10, 0.02];

function move([x, v, angle, omega]: State, right: boolean): State {
  const push = right ? force : -force;
  const total = cartMass + poleMass;
  const swing = (push + poleMass * halfLength * omega ** 2 * Math.sin(angle)) / total;
  const angular =
    (gravity * Math.sin(angle) - Math.cos(angle) * swing) /
    (halfLength * (4 / 3 - (poleMass * Math.cos(angle) ** 2) / total));
  const linear = swing - (poleMass * halfLength * angular * Math.cos(angle)) / total;
  return [x + tau * v, v + tau * linear, angle + tau * omega, omega + tau * angular];
}

const fallen = ([x, , angle]: State) => Math.abs(x) > 2.4 || Math.abs(angle) > (12 * Math.PI) / 180;

/** From states `[batch, 4]` to the logit of pushing right, `[batch]`. */
class Policy implements Layer<Tensor, Tensor> {
  readonly hidden = new Linear(4, 32, { key: randomKey(1) });
  readonly out = new Linear(32, 1, { key: randomKey(2) });
  forward(states: Tensor): Tensor {
    return this.out.forward(this.hidden.forward(states).tanh()).squeeze(-1);
  }
}

let draws = 0;
const randomNumbers = randomKey(7);
/** Uniform in [0, 1). */
const uniform = () => randomNumbers.foldIn(draws++).k0 / 2 ** 32;

interface Episode {
  readonly states: State[];
  readonly right: boolean[];
}

/** Plays several episodes side by side, so that the policy is asked once per step for all of them. */
function play(policy: Policy, count: number): Episode[] {
  const episodes = Array.from({ length: count }, (): Episode => ({ states: [], right: [] }));
  let running = episodes.map((episode) => ({
    episode,
    state: [0, 0, 0, 0].map(() => 0.1 * uniform() - 0.05) as unknown as State,
  }));
  for (let step = 0; step < 200 && running.length > 0; step++) {
    const logits = policy.forward(tensor(running.map(({ state }) => [...state]))).toArray() as number[];
    running = running.flatMap(({ episode, state }, i) => {
      const right = uniform() < 1 / (1 + Math.exp(-logits[i]));
      episode.states.push(state);
      episode.right.push(right);
      const next = move(state, right);
      return fallen(next) ? [] : [{ episode, state: next }];
    });
  }
  return episodes;
}

/** The surrogate whose gradient is the policy gradient: the advantage-weighted log-likelihood of what was done. */
function surrogate(policy: Policy, states: Tensor, signs: Tensor, advantages: Tensor): Tensor {
  return policy.forward(states).mul(signs).logSigmoid().mul(advantages).mean().neg();
}

const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: { updates: { type: "string", default: "60" } },
});
const updates = Number(flags.updates);
const policy = new Policy();
const optimizer = new Adam(policy, { learningRate: 0.02 });
const gradient = valueWithGradient(surrogate, { wrt: 0 });
const lengths: number[] = [];
for (let update = 0; update < updates; update++) {
  const episodes = play(policy, 16);
  const mean = episodes.reduce((sum, { right }) => sum + right.length, 0) / episodes.length;
  lengths.push(mean);
  if (update % 5 === 0) console.log(`update ${String(update).padStart(2)}  mean length ${mean.toFixed(1)} of 200`);
  // The return of a step is how long the pole stood from there on, discounted.
  const returns = episodes.flatMap(({ right }) => {
    const own = new Array<number>(right.length);
    for (let i = right.length - 1, sum = 0; i >= 0; i--) own[i] = sum = 1 + 0.98 * sum;
    return own;
  });
  const average = returns.reduce((sum, r) => sum + r, 0) / returns.length;
  const spread = Math.sqrt(returns.reduce((sum, r) => sum + (r - average) ** 2, 0) / returns.length) + 1e-6;
  const states = tensor(episodes.flatMap((episode) => episode.states.map((state) => [...state])));
  const signs = tensor(episodes.flatMap(({ right }) => right.map((r) => (r ? 1 : -1))));
  const advantages = tensor(returns.map((r) => (r - average) / spread));
  optimizer.update(policy, gradient(policy, states, signs, advantages).gradient);
  if (lengths.slice(-3).every((length) => length > 195)) break;
}
const finals = play(policy, 20).map(({ right }) => right.length);
const mean = finals.reduce((sum, length) => sum + length, 0) / finals.length;
console.log(
  `\nafter ${lengths.length} updates the pole stands ${mean.toFixed(1)} of 200 steps on average over 20 episodes`,
);
if (updates >= 60 && !(mean > 150)) throw new Error("the policy should balance the pole");
