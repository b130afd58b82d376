import type { Parameters } from '../policy/parameters.js';
import { activeBackend } from '../tensor/active.js';
import type { AdamState, Variable } from '../tensor/backend.js';
import { downloadFloats, squaredNorm, upload } from '../tensor/ops.js';
import { scope, track } from '../tensor/tensor.js';

/** Options of AdamW, named as in the config's `training`. */
export interface OptimizerOptions {
  adam_beta1: number;
  adam_beta2: number;
  adam_epsilon: number;
  /** Of matrices. */
  weight_decay: number;
  /** Norms and biases too; not so in Hugging Face's Trainer. */
  decay_norms_and_biases: boolean;
  max_grad_norm: number;
}

type Moment = 'm' | 'v';
const MOMENTS: readonly Moment[] = ['m', 'v'];

/** AdamW (Loshchilov & Hutter 2019) with clipping by the global norm, in place on the trainable weights. */
export class AdamW {
  /** Updates made. */
  step = 0;
  readonly #options: OptimizerOptions;
  readonly #parameters: Parameters;
  readonly #decays: (name: string) => boolean;
  readonly #moments = new Map<string, Record<Moment, Variable>>();

  constructor({ parameters, options }: { parameters: Parameters; options: OptimizerOptions }) {
    this.#parameters = parameters;
    this.#options = options;
    this.#decays = (name) => options.decay_norms_and_biases || parameters.variable(name).shape.length > 1;
    for (const name of parameters.trainableNames) {
      const { shape } = parameters.variable(name);
      const zeros = () =>
        scope(() => activeBackend().variable(upload(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape)));
      this.#moments.set(name, { m: zeros(), v: zeros() });
    }
  }

  /**
   * Applies the gradients that were added up, and forgets them.
   *
   * @returns the global norm before clipping; where it is not finite nothing was applied
   */
  apply(learningRate: number): number {
    const { gradients } = this.#parameters;
    let squares = 0;
    for (const gradient of gradients.values()) squares += squaredNorm(gradient);
    const norm = Math.sqrt(squares);
    if (Number.isFinite(norm)) this.#update(learningRate, this.#clipFactor(norm));
    this.#parameters.clearGradients();
    return norm;
  }

  /** PyTorch's `clip_grad_norm_`. */
  #clipFactor(norm: number): number {
    return Math.min(1, this.#options.max_grad_norm / (norm + 1e-6));
  }

  #update(learningRate: number, factor: number): void {
    const { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon, weight_decay } = this.#options;
    this.step += 1;
    const correction = Math.sqrt(1 - beta2 ** this.step);
    for (const [name, gradient] of this.#parameters.gradients) {
      const state: Omit<AdamState, 'value'> = this.#moments.get(name)!;
      this.#parameters.update(name, (value) =>
        activeBackend().adam({ value, ...state }, gradient, {
          beta1,
          beta2,
          stepSize: (learningRate * correction) / (1 - beta1 ** this.step),
          epsilon: adam_epsilon * correction,
          decay: this.#decays(name) ? 1 - learningRate * weight_decay : 1,
          gradientScale: factor,
        }),
      );
    }
  }

  /** The moments as `<weight>.m` and `<weight>.v`, read one at a time. */
  tensors(): { name: string; shape: readonly number[]; read: () => Float32Array }[] {
    return [...this.#moments].flatMap(([name, moments]) =>
      MOMENTS.map((moment) => ({
        name: `${name}.${moment}`,
        shape: moments[moment].shape,
        read: () => scope(() => downloadFloats(track(moments[moment].read()))),
      })),
    );
  }

  /** Puts back what `tensors` gave. */
  async restore(step: number, read: (name: string) => Promise<Float32Array>): Promise<void> {
    this.step = step;
    for (const [name, moments] of this.#moments)
      for (const moment of MOMENTS) {
        const values = await read(`${name}.${moment}`);
        scope(() => moments[moment].assign(upload(values, moments[moment].shape)));
      }
  }

  dispose(): void {
    for (const { m, v } of this.#moments.values()) {
      m.dispose();
      v.dispose();
    }
  }
}
