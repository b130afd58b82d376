import type { Profile } from '../../../system/profile.js';
import type { Binding } from './binding.js';

/** The decoder layer that is one operation measures its products by itself (`native/kernels/product.cc`). */
const WITH_PRODUCTS = 'VauDecodeLayer';

/** An addon that records the time of every call. Operations on the CPU have ended when they return. */
export function profiledBinding(binding: Binding, profile: Profile): Binding {
  const timed = <T>(name: string, body: () => T, detail?: (result: T) => string): T => {
    const start = performance.now();
    const result = body();
    const duration = performance.now() - start;
    if (profile.isOn) profile.add({ name, kind: 'operation', start, duration, detail: detail?.(result) });
    return result;
  };
  const secondsInProducts = (): number => {
    const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    const [output] = binding.executeOp('VauSecondsInProducts', [type], [], 1);
    const [seconds] = binding.tensorDataSync(output!.id);
    binding.deleteTensor(output!.id);
    return seconds!;
  };
  const methods: Partial<Binding> = {
    createTensor: (...args) => timed('upload', () => binding.createTensor(...args)),
    deleteTensor: (id) => timed('free', () => binding.deleteTensor(id)),
    tensorDataSync: (id) => timed('download', () => binding.tensorDataSync(id)),
    executeOp(name, attributes, inputs, outputs) {
      const run = () => binding.executeOp(name, attributes, inputs, outputs);
      if (!profile.isOn) return run();
      if (name !== WITH_PRODUCTS)
        return timed(name, run, (results) => results.map(({ shape }) => shape.join('×')).join());
      secondsInProducts();
      const start = performance.now();
      const result = run();
      const duration = performance.now() - start;
      const products = Math.min(duration, 1000 * secondsInProducts());
      profile.add({ name: `${name}.Products`, kind: 'operation', start, duration: products });
      profile.add({ name, kind: 'operation', start: start + products, duration: duration - products });
      return result;
    },
  };
  return Object.create(binding, Object.getOwnPropertyDescriptors(methods)) as Binding;
}
