import { describe, expect, it, vi } from 'vitest';
import { usableCpus } from '../../../src/system/cpus.js';
import { prepareEnvironment } from '../../../src/tensor/setup/index.js';
import './fakes.js';

describe('prepareEnvironment', () => {
  it('makes TensorFlow quiet and modest, unless the user says otherwise', () => {
    vi.stubEnv('TF_CPP_MIN_LOG_LEVEL', undefined);
    vi.stubEnv('TF_FORCE_GPU_ALLOW_GROWTH', 'false');
    prepareEnvironment();
    expect(process.env.TF_CPP_MIN_LOG_LEVEL).toBe('2');
    expect(process.env.TF_FORCE_GPU_ALLOW_GROWTH).toBe('false');
  });

  it('asks a GPU for one order of sums, and for products in float32', () => {
    vi.stubEnv('TF_DETERMINISTIC_OPS', undefined);
    vi.stubEnv('NVIDIA_TF32_OVERRIDE', '1');
    prepareEnvironment();
    expect(process.env.TF_DETERMINISTIC_OPS).toBe('true');
    expect(process.env.NVIDIA_TF32_OVERRIDE).toBe('1');
  });

  it('gives TensorFlow the threads that there are CPUs for, or that the user wants', () => {
    const set = (intra: string | undefined, inter: string | undefined) => {
      vi.stubEnv('TF_NUM_INTRAOP_THREADS', intra);
      vi.stubEnv('TF_NUM_INTEROP_THREADS', inter);
      prepareEnvironment();
      return [process.env.TF_NUM_INTRAOP_THREADS, process.env.TF_NUM_INTEROP_THREADS];
    };
    const all = String(usableCpus({ env: {} }));
    expect(set(undefined, undefined)).toEqual([all, all]);
    expect(set('3', undefined)).toEqual(['3', '3']);
    expect(set('3', '1')).toEqual(['3', '1']);
    expect(set('0', undefined)).toEqual([all, all]);
  });
});
