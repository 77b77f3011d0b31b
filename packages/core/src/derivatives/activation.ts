/** Derivatives of the activation functions. */
import { registerDerivative } from "@pullback/autodiff";
import { seluAlpha, seluScale } from "../operations/activation.ts";
import { geluTanh, geluTanhDerivative } from "../operations/unary.ts";
import { where } from "../operations/where.ts";
import { Tensor } from "../tensor/tensor.ts";

registerDerivative(Tensor.prototype.silu, {
  vjp: (x: Tensor) => {
    const value = x.silu();
    return {
      value,
      pullback: (ct: Tensor) => {
        const gate = x.sigmoid();
        return ct.mul(gate.add(value.mul(gate.neg().add(1))));
      },
    };
  },
  jvp: (x: Tensor) => {
    const value = x.silu();
    return {
      value,
      differential: (dx: Tensor) => {
        const gate = x.sigmoid();
        return dx.mul(gate.add(value.mul(gate.neg().add(1))));
      },
    };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.gelu, {
  vjp: (x: Tensor, approximate: "none" | "tanh" = "none") => {
    const value = x.gelu(approximate);
    return {
      value,
      pullback: (ct: Tensor) => ct.mul(approximate === "tanh" ? geluTanhDerivative(x) : geluErfDerivative(x)),
    };
  },
  jvp: (x: Tensor, approximate: "none" | "tanh" = "none") => {
    const value = x.gelu(approximate);
    return {
      value,
      differential: (dx: Tensor) => dx.mul(approximate === "tanh" ? geluTanhDerivative(x) : geluErfDerivative(x)),
    };
  },
  wrt: ["this"],
});

/** Φ(x) + x φ(x). */
function geluErfDerivative(x: Tensor): Tensor {
  const density = x
    .square()
    .mul(-0.5)
    .exp()
    .div(Math.sqrt(2 * Math.PI));
  return x.mul(Math.SQRT1_2).erf().add(1).mul(0.5).add(x.mul(density));
}

registerDerivative(geluTanh, {
  vjp: (x: Tensor) => ({ value: geluTanh(x), pullback: (ct: Tensor) => ct.mul(geluTanhDerivative(x)) }),
  jvp: (x: Tensor) => ({ value: geluTanh(x), differential: (dx: Tensor) => dx.mul(geluTanhDerivative(x)) }),
  wrt: [0],
});

/**
 * With u = c (x + a x³) and t = tanh(u), GELU' is (1 + t) / 2 + x (1 - t²) u' / 2 and
 * GELU'' is (1 - t²) (u' + x (u'' / 2 - t u'²)).
 */
registerDerivative(geluTanhDerivative, {
  vjp: (x: Tensor) => ({
    value: geluTanhDerivative(x),
    pullback: (ct: Tensor) => {
      const c = Math.sqrt(2 / Math.PI);
      const a = 0.044715;
      const squared = x.square();
      const t = x.mul(squared.mul(a).add(1)).mul(c).tanh();
      const slope = squared
        .mul(3 * a)
        .add(1)
        .mul(c);
      const bend = x.mul(3 * a * c).sub(t.mul(slope.square()));
      return ct.mul(t.square().neg().add(1)).mul(slope.add(x.mul(bend)));
    },
  }),
  jvp: (x: Tensor) => ({
    value: geluTanhDerivative(x),
    differential: (dx: Tensor) => {
      const c = Math.sqrt(2 / Math.PI);
      const a = 0.044715;
      const squared = x.square();
      const t = x.mul(squared.mul(a).add(1)).mul(c).tanh();
      const slope = squared
        .mul(3 * a)
        .add(1)
        .mul(c);
      const bend = x.mul(3 * a * c).sub(t.mul(slope.square()));
      return dx.mul(t.square().neg().add(1)).mul(slope.add(x.mul(bend)));
    },
  }),
  wrt: [0],
});

registerDerivative(Tensor.prototype.softCap, {
  vjp: (x: Tensor, cap: number) => {
    const saturation = x.div(cap).tanh();
    return { value: saturation.mul(cap), pullback: (ct: Tensor) => ct.sub(ct.mul(saturation).mul(saturation)) };
  },
  jvp: (x: Tensor, cap: number) => {
    const saturation = x.div(cap).tanh();
    return { value: saturation.mul(cap), differential: (dx: Tensor) => dx.sub(dx.mul(saturation).mul(saturation)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.clip, {
  vjp: (x: Tensor, low?: number, high?: number) => ({
    value: x.clip(low, high),
    pullback: (ct: Tensor) => {
      const above = low === undefined ? ct : where(x.greaterEqual(low), ct, 0);
      return high === undefined ? above : where(x.lessEqual(high), above, 0);
    },
  }),
  jvp: (x: Tensor, low?: number, high?: number) => ({
    value: x.clip(low, high),
    differential: (dx: Tensor) => {
      const above = low === undefined ? dx : where(x.greaterEqual(low), dx, 0);
      return high === undefined ? above : where(x.lessEqual(high), above, 0);
    },
  }),
  wrt: ["this"],
});

/** ct inside the open interval, 0 outside and at its ends. */
function inside(x: Tensor, low: number, high: number, ct: Tensor): Tensor {
  return where(x.greater(low).logicalAnd(x.less(high)), ct, 0);
}

registerDerivative(Tensor.prototype.softsign, {
  vjp: (x: Tensor) => {
    const value = x.softsign();
    return { value, pullback: (ct: Tensor) => ct.div(x.abs().add(1).square()) };
  },
  jvp: (x: Tensor) => {
    const value = x.softsign();
    return { value, differential: (dx: Tensor) => dx.div(x.abs().add(1).square()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.relu6, {
  vjp: (x: Tensor) => {
    const value = x.relu6();
    return { value, pullback: (ct: Tensor) => inside(x, 0, 6, ct) };
  },
  jvp: (x: Tensor) => {
    const value = x.relu6();
    return { value, differential: (dx: Tensor) => inside(x, 0, 6, dx) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.hardTanh, {
  vjp: (x: Tensor) => {
    const value = x.hardTanh();
    return { value, pullback: (ct: Tensor) => inside(x, -1, 1, ct) };
  },
  jvp: (x: Tensor) => {
    const value = x.hardTanh();
    return { value, differential: (dx: Tensor) => inside(x, -1, 1, dx) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.hardSigmoid, {
  vjp: (x: Tensor) => {
    const value = x.hardSigmoid();
    return { value, pullback: (ct: Tensor) => inside(x, -3, 3, ct).div(6) };
  },
  jvp: (x: Tensor) => {
    const value = x.hardSigmoid();
    return { value, differential: (dx: Tensor) => inside(x, -3, 3, dx).div(6) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.hardSwish, {
  vjp: (x: Tensor) => ({
    value: x.hardSwish(),
    pullback: (ct: Tensor) => {
      const middle = where(x.less(3), ct.mul(x.mul(1 / 3).add(0.5)), ct);
      return where(x.greater(-3), middle, 0);
    },
  }),
  jvp: (x: Tensor) => ({
    value: x.hardSwish(),
    differential: (dx: Tensor) => {
      const middle = where(x.less(3), dx.mul(x.mul(1 / 3).add(0.5)), dx);
      return where(x.greater(-3), middle, 0);
    },
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.leakyRelu, {
  vjp: (x: Tensor, slope = 0.01) => {
    const value = x.leakyRelu(slope);
    return { value, pullback: (ct: Tensor) => where(x.greater(0), ct, ct.mul(slope)) };
  },
  jvp: (x: Tensor, slope = 0.01) => {
    const value = x.leakyRelu(slope);
    return { value, differential: (dx: Tensor) => where(x.greater(0), dx, dx.mul(slope)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.elu, {
  vjp: (x: Tensor, alpha = 1) => {
    const value = x.elu(alpha);
    return { value, pullback: (ct: Tensor) => where(x.greater(0), ct, ct.mul(x.exp()).mul(alpha)) };
  },
  jvp: (x: Tensor, alpha = 1) => {
    const value = x.elu(alpha);
    return { value, differential: (dx: Tensor) => where(x.greater(0), dx, dx.mul(x.exp()).mul(alpha)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.celu, {
  vjp: (x: Tensor, alpha = 1) => {
    const value = x.celu(alpha);
    return { value, pullback: (ct: Tensor) => where(x.greater(0), ct, ct.mul(x.div(alpha).exp())) };
  },
  jvp: (x: Tensor, alpha = 1) => {
    const value = x.celu(alpha);
    return { value, differential: (dx: Tensor) => where(x.greater(0), dx, dx.mul(x.div(alpha).exp())) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.selu, {
  vjp: (x: Tensor) => {
    const value = x.selu();
    return { value, pullback: (ct: Tensor) => where(x.greater(0), ct, ct.mul(x.exp()).mul(seluAlpha)).mul(seluScale) };
  },
  jvp: (x: Tensor) => {
    const value = x.selu();
    return {
      value,
      differential: (dx: Tensor) => where(x.greater(0), dx, dx.mul(x.exp()).mul(seluAlpha)).mul(seluScale),
    };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.mish, {
  vjp: (x: Tensor) => ({
    value: x.mish(),
    pullback: (ct: Tensor) => {
      const t = x.softplus().tanh();
      return ct.mul(t.add(x.mul(x.sigmoid()).mul(t.square().neg().add(1))));
    },
  }),
  jvp: (x: Tensor) => ({
    value: x.mish(),
    differential: (dx: Tensor) => {
      const t = x.softplus().tanh();
      return dx.mul(t.add(x.mul(x.sigmoid()).mul(t.square().neg().add(1))));
    },
  }),
  wrt: ["this"],
});
