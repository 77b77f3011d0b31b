/** Tensors of TensorFlow.js as ours and ours as theirs, over the same memory where both are on one engine. */
import { type DifferentiableFunction, valueWithPullback } from "@pullback/autodiff";
import { availableBackends, type Backend, backendNamed, currentBackend } from "../backend/index.ts";
import type { TfjsBackend, TfjsTensor } from "../backends/tfjs/index.ts";
import type { TypedArray } from "../dtype.ts";
import { BackendError, DTypeError } from "../errors.ts";
import { Tensor, tensor, zerosLike } from "../tensor/index.ts";

const isTfjs = (backend: Backend): backend is TfjsBackend => backend.name.startsWith("tfjs:");

/** The backend over the engine that holds the data of a tensor of tfjs, if it has been started. */
function holderOf(x: TfjsTensor): TfjsBackend | undefined {
  return availableBackends()
    .map(backendNamed)
    .filter(isTfjs)
    .find(({ engine }) => engine.refCount(x.dataId) > 0);
}

/**
 * A tensor of TensorFlow.js as one of ours. On an engine that `useBackend` has started the memory is shared, which tfjs
 * may dispose of its tensor without taking ours away; from any other the elements are copied to the backend in use.
 * @throws DTypeError for complex and string tensors, BackendError when x has been disposed of
 */
export function fromTfjs(x: TfjsTensor): Tensor {
  if (x.isDisposed === true) throw new BackendError("fromTfjs: the tensor has been disposed of.");
  const { dtype, shape } = x;
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool")
    throw new DTypeError(`fromTfjs: there is no ${dtype} here; split it into real tensors first.`);
  const backend = holderOf(x);
  if (backend === undefined) {
    const read = (x as { dataSync?: () => ArrayBufferView }).dataSync;
    if (read === undefined) throw new BackendError("fromTfjs: this is not a tensor of TensorFlow.js.");
    return tensor(read.call(x) as TypedArray, { shape: [...shape], dtype, device: currentBackend().name });
  }
  backend.engine.incRef(x.dataId);
  return new Tensor(backend.adopted({ dataId: x.dataId, shape, dtype }, dtype, [...shape]), backend);
}

/**
 * One of our tensors as a tensor of TensorFlow.js, over the same memory unless ours is a view that tfjs cannot express.
 * It is theirs: dispose of it, or let `tf.tidy` do so.
 * @throws BackendError when x is not on an engine of tfjs
 */
export function toTfjs(x: Tensor): TfjsTensor {
  const { backend } = x;
  if (!isTfjs(backend))
    throw new BackendError(`toTfjs: the tensor is on "${x.device}", not on an engine of tfjs.`, {
      hint: 'Move it: toTfjs(x.to("tfjs:wasm")), after await useBackend("tfjs", { engine: "wasm" }).',
    });
  return backend.tfjs.engine().makeTensorFromTensorInfo(backend.exported(x.array), backend.engine);
}

/** A function of tensors of TensorFlow.js, with as many parameters as the function of ours. */
export type TfjsFunction<Parameters extends readonly Tensor[]> = (
  ...xs: { [Index in keyof Parameters]: TfjsTensor }
) => TfjsTensor;

/**
 * A differentiable function of ours as a function of TensorFlow.js, gradients included: `tf.grad` or `tf.variableGrads` of
 * what contains it runs our pullback. `x => model.forward(x)` makes a model callable from tfjs code; with its weights as
 * further parameters, variables of tfjs train it.
 * @throws BackendError when an argument is on an engine that has not been started here
 */
export function tfjsFunction<Parameters extends readonly Tensor[]>(
  f: DifferentiableFunction<(...xs: Parameters) => Tensor>,
): TfjsFunction<Parameters> {
  return (...given) => {
    const xs = given as readonly TfjsTensor[];
    const holder = xs.map(holderOf).find((backend) => backend !== undefined);
    if (holder === undefined || xs.some((x) => holderOf(x) !== holder))
      throw new BackendError("tfjsFunction: not all arguments are on one engine that has been started here.", {
        hint: 'Start it: await useBackend("tfjs", { engine }).',
      });
    const run = holder.tfjs.customGrad((...inputs) => {
      // The last one is tfjs's function to save tensors with.
      const ours = inputs.slice(0, xs.length).map((input) => fromTfjs(input as TfjsTensor));
      const { value, pullback } = valueWithPullback(f)(...(ours as unknown as Parameters));
      const gradFunc = (ct: TfjsTensor): TfjsTensor[] => {
        const back: unknown = pullback(fromTfjs(ct));
        const cotangents = (ours.length === 1 ? [back] : back) as readonly (Tensor | undefined)[];
        return ours.map((x, i) => toTfjs(cotangents[i] ?? zerosLike(x)));
      };
      return { value: toTfjs(value), gradFunc };
    });
    return run(...xs);
  };
}
