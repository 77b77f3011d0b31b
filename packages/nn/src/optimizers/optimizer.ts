/** The frame of every optimizer: walks model and gradient, clips, keeps state and step, moves the model. */
import type { NoDerivative, TangentVector } from "@pullback/autodiff";
import { Tensor } from "@pullback/core";
import { CheckpointError, ParameterError } from "../errors.ts";
import { isParameter, parameterPlaces } from "../parameters/named.ts";
import type { Schedule } from "../schedules/index.ts";
import { type Clip, clipGradients } from "./clip.ts";
import { type Assigned, assign } from "./gradients.ts";
import { type Arithmetic, arithmeticOf, type Leaf } from "./leaf.ts";

/** What every optimizer takes. */
export interface OptimizerOptions {
  /** A number, or a function of the step (from 0). */
  readonly learningRate: number | Schedule;
  /** Applied to the gradients before anything else. */
  readonly clip?: Clip;
  /**
   * Keeps a float32 copy of every float16 and bfloat16 parameter in the optimizer's state and moves that one, so that
   * steps smaller than the parameter's rounding add up; default false. Micikevicius et al. 2018, section 3.1.
   */
  readonly masterWeights?: boolean;
}

/** Other hyper-parameters for some of the parameters; the first group whose `match` accepts a path counts. */
export type ParameterGroup<Options> = Partial<Omit<Options, "clip" | "groups">> & {
  readonly match: (path: string) => boolean;
};

/** What an optimizer remembers: `slots[name]` holds one leaf per parameter path. All of it is in a checkpoint. */
export interface OptimizerState {
  /** Updates made so far. */
  readonly step: number;
  readonly slots: Readonly<Record<string, ReadonlyMap<string, Tensor | number>>>;
}

/** One parameter in the hands of a rule. */
export interface Update<Hyper> {
  readonly gradient: Leaf;
  /** The parameter where weight decay may touch it: tensors only. */
  readonly decaying: Tensor | undefined;
  /** The parameter in the gradient's dtype; `undefined` inside a type that brings its own tangent. */
  readonly value: Leaf | undefined;
  readonly arithmetic: Arithmetic;
  /** What the rule remembers of this parameter, empty at first. */
  readonly memory: Record<string, Leaf>;
  readonly hyper: Hyper;
  readonly learningRate: number;
  /** From 1 at the first update, as in the papers. */
  readonly time: number;
}

/**
 * Moves a model along its gradient, in place. State is kept by parameter path, so an optimizer serves any model of the
 * same structure, a copy say, or one that was loaded. Models with float16 or bfloat16 parameters have their gradients
 * and state in float32, rounded once when a parameter moves.
 */
export abstract class Optimizer<Hyper extends OptimizerOptions> {
  readonly #hyper: Hyper;
  readonly #groups: readonly ParameterGroup<Hyper>[];
  readonly #memory = new Map<string, Record<string, Leaf>>();
  readonly #hyperByPath = new Map<string, Hyper>();
  #step = 0;

  /** `hyper` has every default filled in. Throws ParameterError PB7402 or PB7403. */
  protected constructor(model: unknown, hyper: Hyper, groups: readonly ParameterGroup<Hyper>[] = []) {
    this.#hyper = hyper;
    this.#groups = groups;
    checkHyper(hyper);
    for (const group of groups) checkHyper(group);
    for (const place of parameterPlaces(model)) if (isParameter(place.value)) return;
    throw new ParameterError("the model has no parameters", {
      code: "PB7403",
      hint: "An optimizer takes an object that holds tensors or numbers; put a bare tensor into one: { weight }.",
    });
  }

  /** The step to add to one parameter; updates `memory`. */
  protected abstract rule(update: Update<Hyper>): Leaf;

  /** Updates made so far. */
  get step(): NoDerivative<number> {
    return this.#step;
  }

  /** The learning rate of the next update (that of no group). */
  get learningRate(): NoDerivative<number> {
    return rateAt(this.#hyper.learningRate, this.#step);
  }

  /**
   * Moves every parameter of `model` one step along its gradient, in place. A parameter that stands at two paths moves
   * once, along the sum of its tangents.
   *
   * @throws ParameterError PB7401 when the gradient is not one of this model, naming the path; nothing has moved then
   */
  update<Model>(model: Model, gradient: TangentVector<Model>): void {
    const parameters = assign(model, gradient);
    for (const parameter of parameters) widen(parameter);
    if (this.#hyper.clip !== undefined) clipGradients(parameters, this.#hyper.clip);
    // Taken off the list one by one, so that no old value outlives its move.
    for (let parameter = parameters.pop(); parameter !== undefined; parameter = parameters.pop()) {
      this.#move(parameter);
    }
    this.#step++;
  }

  #move(parameter: Assigned): void {
    const { path, value, gradient } = parameter;
    const hyper = this.#hyperOf(path);
    const memory = this.#memory.get(path) ?? {};
    this.#memory.set(path, memory);
    if (hyper.masterWeights !== true || !(value instanceof Tensor) || value.dtype === gradient.dtype) {
      parameter.move(this.#stepOf(path, value instanceof Tensor ? value.cast(gradient.dtype) : value, gradient));
      return;
    }
    const master: Tensor = memory.master ?? value.cast(gradient.dtype);
    memory.master = master.add(this.#stepOf(path, master, gradient));
    parameter.replace?.(memory.master.cast(value.dtype));
  }

  #stepOf(path: string, value: Leaf | undefined, gradient: Leaf): Leaf {
    const hyper = this.#hyperOf(path);
    return this.rule({
      gradient,
      value,
      decaying: value instanceof Tensor ? value : undefined,
      arithmetic: arithmeticOf(gradient),
      memory: this.#memory.get(path)!,
      hyper,
      learningRate: rateAt(hyper.learningRate, this.#step),
      time: this.#step + 1,
    });
  }

  #hyperOf(path: string): Hyper {
    let hyper = this.#hyperByPath.get(path);
    if (hyper === undefined) {
      const { match, ...overrides } = this.#groups.find((group) => group.match(path)) ?? { match: undefined };
      hyper = match === undefined ? this.#hyper : { ...this.#hyper, ...overrides };
      this.#hyperByPath.set(path, hyper);
    }
    return hyper;
  }

  /** Everything needed to go on exactly from here, but the hyper-parameters. */
  state(): OptimizerState {
    const slots: Record<string, Map<string, Leaf>> = {};
    for (const [path, memory] of this.#memory) {
      for (const [slot, leaf] of Object.entries(memory)) {
        slots[slot] ??= new Map();
        slots[slot].set(path, leaf);
      }
    }
    return { step: this.#step, slots };
  }

  /** Puts back what `state` gave, of this run or of an earlier one. Throws CheckpointError PB7111 for anything else. */
  loadState(state: OptimizerState): void {
    if (!Number.isInteger(state?.step) || state.step < 0 || typeof state.slots !== "object") {
      throw new CheckpointError("this is no optimizer state", {
        code: "PB7111",
        hint: "Give loadState what state() returned.",
      });
    }
    this.#memory.clear();
    for (const [slot, leaves] of Object.entries(state.slots)) {
      for (const [path, leaf] of leaves) {
        const memory = this.#memory.get(path) ?? {};
        memory[slot] = leaf;
        this.#memory.set(path, memory);
      }
    }
    this.#step = state.step;
  }
}

const rateAt = (rate: number | Schedule, step: number): number => (typeof rate === "number" ? rate : rate(step));

/** A gradient of 16 bits is too coarse to accumulate. */
function widen(parameter: Assigned): void {
  const { gradient } = parameter;
  if (gradient instanceof Tensor && (gradient.dtype === "float16" || gradient.dtype === "bfloat16")) {
    parameter.gradient = gradient.cast("float32");
  }
}

/** Every hyper-parameter that is a number is finite and not negative. */
function checkHyper(hyper: object): void {
  for (const [name, value] of Object.entries(hyper)) {
    if (typeof value === "number" && !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new ParameterError(`${name} is ${value}`, { code: "PB7402", hint: `Give a finite ${name} of at least 0.` });
    }
  }
}
