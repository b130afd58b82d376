import { createRequire } from 'node:module';
import { ModelError } from '../../../system/errors.js';

/** What the N-API addon of `@tensorflow/tfjs-node-gpu` exports (its `binding/tfjs_binding.cc`). */
export interface Binding {
  TF_FLOAT: number;
  TF_INT32: number;
  TF_INT64: number;
  TF_BOOL: number;
  TF_UINT8: number;
  TF_RESOURCE: number;
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
  TF_Version: string;
  createTensor(shape: readonly number[], dtype: number, data: Float32Array | Int32Array | Uint8Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array;
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): { id: number; shape: number[]; dtype: number }[];
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
}

/** An attribute of an operation: `type` is one of `TF_ATTR_…`. */
export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** Loads an addon, whose operations then throw `ModelError` `TENSOR_MISFIT` where their inputs do not fit each other. */
export function loadBinding(addonPath: string): Binding {
  const plain = createRequire(import.meta.url)(addonPath) as Binding;
  const executeOp: Binding['executeOp'] = (name, ...rest) => {
    try {
      return plain.executeOp(name, ...rest);
    } catch (error) {
      throw explained(name, error);
    }
  };
  return Object.create(plain, { executeOp: { value: executeOp } }) as Binding;
}

/** The addon writes TensorFlow's status as a number (3: invalid argument) and a message. */
function explained(name: string, error: unknown): unknown {
  const said = error instanceof Error ? /Invalid TF_Status: 3\s+Message: (.*)/s.exec(error.message)?.[1] : undefined;
  if (said === undefined) return error;
  const reason = said.startsWith(`${name}: `) ? said : `${name}: ${said}`;
  const remedy = "do the model's config.json, preprocessor_config.json and weights belong to one model?";
  const message = `tensors do not fit each other (${reason}); ${remedy}`;
  return new ModelError({ code: 'TENSOR_MISFIT', message, cause: error });
}
