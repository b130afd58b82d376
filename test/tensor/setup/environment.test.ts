import { describe, expect, it, vi } from 'vitest';
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
});
