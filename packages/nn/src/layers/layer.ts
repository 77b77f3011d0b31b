/** What a layer is: anything with a differentiable `forward`. */

/**
 * A layer maps an input to an output. There is no base class and no registration: any class whose fields are tensors
 * and other layers is a layer, and its tangent has those fields. The tag obliges every implementation to be
 * differentiable.
 */
export interface Layer<In, Out> {
  /** @differentiable */
  forward(input: In): Out;
}
