import { describe, expect, it } from 'vitest';
import { cudaRequirements } from '../../../src/tensor/setup/cuda.js';

describe('cudaRequirements', () => {
  it("reads the notation of TensorFlow 2.21's METADATA", () => {
    const metadata = [
      'Name: tensorflow',
      'Requires-Dist: ml_dtypes<1.0.0,>=0.5.1',
      'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
      'Requires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7; extra == "and-cuda"',
      'Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (python_version < "3.13") and extra == "gcs-filesystem"',
    ].join('\n');
    expect(cudaRequirements(metadata)).toEqual(['nvidia-cublas-cu12<13.0,>=12.5.3.2', 'nvidia-nccl-cu12<3.0,>=2.27.7']);
  });

  it("reads the notation of TensorFlow 2.15's", () => {
    const metadata =
      "Requires-Dist: nvidia-cudnn-cu12 (==8.9.4.25) ; extra == 'and-cuda'\nRequires-Dist: six (>=1.12.0)";
    expect(cudaRequirements(metadata)).toEqual(['nvidia-cudnn-cu12==8.9.4.25']);
  });
});
