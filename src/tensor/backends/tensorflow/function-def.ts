import { PbfWriter } from 'pbf';
import type { Attribute, Binding } from './binding.js';
import type { Constant } from './constants.js';
import { message } from './protobuf.js';

/** An operation of a function: what it takes are outputs of nodes, or arguments. */
export interface FunctionNode {
  op: string;
  attributes: readonly Attribute[];
  inputs: readonly Source[];
  /** TensorFlow's types of the inputs. */
  inputTypes: readonly number[];
}

/** Where a value comes from. */
export type Source =
  | { kind: 'argument'; index: number }
  | { kind: 'constant'; value: Constant }
  | { kind: 'node'; index: number; output: number };

/** What TensorFlow's registry says of the operations that a function may be made of. */
const OPERATIONS: Record<string, { output: string; types: Record<string, number> }> = {
  // Name of the output; attributes that are the type of an input, by its number.
  AddN: { output: 'sum', types: {} },
  AddV2: { output: 'z', types: { T: 0 } },
  BatchMatMulV2: { output: 'output', types: { T: 0 } },
  Bitcast: { output: 'output', types: { T: 0 } },
  Cast: { output: 'y', types: { SrcT: 0 } },
  ConcatV2: { output: 'output', types: {} },
  EuclideanNorm: { output: 'output', types: { T: 0, Tidx: 1 } },
  MatMul: { output: 'product', types: { T: 0 } },
  Mul: { output: 'z', types: { T: 0 } },
  RealDiv: { output: 'z', types: { T: 0 } },
  Reshape: { output: 'output', types: { T: 0, Tshape: 1 } },
  Slice: { output: 'output', types: { T: 0, Index: 1 } },
  Softmax: { output: 'softmax', types: { T: 0 } },
  SoftplusGrad: { output: 'backprops', types: { T: 0 } },
  SplitV: { output: 'output', types: { T: 0 } },
  Transpose: { output: 'y', types: { T: 0, Tperm: 1 } },
};

/**
 * TensorFlow's `FunctionDef` (core/framework/{function,op_def,node_def,attr_value,tensor}.proto).
 *
 * @param args.argumentTypes numbers of TensorFlow's types, as are the results'
 * @throws Error where an operation is none of those that are known here
 */
export function functionDef(args: {
  binding: Binding;
  name: string;
  argumentTypes: readonly number[];
  nodes: readonly FunctionNode[];
  results: readonly { source: Source; dtype: number }[];
}): Uint8Array {
  const { binding, name, argumentTypes, nodes, results } = args;
  const constants = new Map<Constant, string>();
  const nameOf = (source: Source): string => {
    if (source.kind === 'argument') return `a${source.index}`;
    if (source.kind === 'node') return `n${source.index}:${operation(nodes[source.index]!.op).output}:${source.output}`;
    const known = constants.get(source.value) ?? `c${constants.size}`;
    constants.set(source.value, known);
    return `${known}:output:0`;
  };
  const definition = new PbfWriter();
  message(definition, 1, (signature) => {
    signature.writeStringField(1, name);
    const argument = (field: number, label: string, dtype: number) =>
      message(signature, field, (arg) => {
        arg.writeStringField(1, label);
        arg.writeVarintField(3, dtype);
      });
    for (const [i, dtype] of argumentTypes.entries()) argument(2, `a${i}`, dtype);
    for (const [i, { dtype }] of results.entries()) argument(3, `r${i}`, dtype);
  });
  for (const [i, { op, attributes, inputs, inputTypes }] of nodes.entries())
    message(definition, 3, (node) => {
      node.writeStringField(1, `n${i}`);
      node.writeStringField(2, op);
      for (const input of inputs) node.writeStringField(3, nameOf(input));
      for (const [key, input] of Object.entries(operation(op).types))
        attribute(node, key, (value) => value.writeVarintField(6, inputTypes[input]!));
      for (const given of attributes) attribute(node, given.name, (value) => writeValue(value, given, binding));
    });
  for (const [i, { source }] of results.entries())
    message(definition, 4, (entry) => {
      entry.writeStringField(1, `r${i}`);
      entry.writeStringField(2, nameOf(source));
    });
  for (const [value, label] of constants)
    message(definition, 3, (node) => {
      node.writeStringField(1, label);
      node.writeStringField(2, 'Const');
      attribute(node, 'dtype', (type) => type.writeVarintField(6, value.dtype));
      attribute(node, 'value', (tensor) => message(tensor, 8, (proto) => writeTensor(proto, value)));
    });
  return definition.finish();
}

function operation(op: string) {
  const known = OPERATIONS[op];
  if (known === undefined) throw new Error(`${op} cannot be a part of a function`);
  return known;
}

function writeValue(value: PbfWriter, { name, type, value: given }: Attribute, binding: Binding): void {
  if (type === binding.TF_ATTR_TYPE) value.writeVarintField(6, given as number);
  else if (type === binding.TF_ATTR_BOOL) value.writeBooleanField(5, given as boolean);
  else if (type === binding.TF_ATTR_INT) value.writeVarintField(3, given as number);
  else throw new Error(`the attribute ${name} is of a kind that no function has had`);
}

function writeTensor(proto: PbfWriter, { shape, dtype, data }: Constant): void {
  proto.writeVarintField(1, dtype);
  message(proto, 2, (of) => {
    for (const size of shape) message(of, 2, (dimension) => dimension.writeVarintField(1, size));
  });
  proto.writeBytesField(4, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** An entry of a node's map of attributes. */
const attribute = (node: PbfWriter, key: string, write: (value: PbfWriter) => void): void =>
  message(node, 5, (entry) => {
    entry.writeStringField(1, key);
    message(entry, 2, write);
  });
