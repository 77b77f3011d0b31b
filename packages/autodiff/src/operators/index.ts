export { checkpoint } from "./checkpoint.ts";
export { derivative, differential, valueWithDerivative, valueWithDifferential } from "./forward.ts";
export { hessian, hessianVectorProduct, jacobian } from "./jacobian.ts";
export { differentiable, withDerivative, withoutDerivative } from "./markers.ts";
export { gradient, pullback, valueWithGradient, valueWithPullback } from "./reverse.ts";
