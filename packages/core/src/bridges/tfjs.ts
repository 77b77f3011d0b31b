/** Tensors of TensorFlow.js as ours and ours as theirs, over the same memory where both are on one engine. */
import { type DifferentiableFunction, valueWithPullback } from "@pullback/autodiff";
import { availableBackends, type Backend, backendNamed, currentBackend } from "../backend/index.ts";
import type { TfjsBackend, TfjsTensor } from "../backends/tfjs/index.ts";
import type { TypedArray } from "../dtype.ts";
import { BackendError, DTypeError } from "../errors.ts";
import { Tensor, tensor } from "../tensor/index.ts";

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

/**
 * A differentiable function of ours as a function of TensorFlow.js, gradients included: `tf.grad` of what contains it
 * runs our pullback. `x => model.forward(x)` makes a model callable from tfjs code.
 */
export function tfjsFunction(f: DifferentiableFunction<(x: Tensor) => Tensor>): (x: TfjsTensor) => TfjsTensor {
  return (x) => {
    const holder = holderOf(x);
    if (holder === undefined)
      throw new BackendError("tfjsFunction: the argument is on an engine that has not been started here.", {
        hint: 'Start it: await useBackend("tfjs", { engine }).',
      });
    const run = holder.tfjs.customGrad((input) => {
      const { value, pullback } = valueWithPullback(f)(fromTfjs(input));
      return { value: toTfjs(value), gradFunc: (ct) => toTfjs(pullback(fromTfjs(ct))) };
    });
    return run(x);
  };
}
