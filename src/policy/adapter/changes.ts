import type { ModelConfig } from '../../model-folder/model-config.js';
import { weightShapes } from '../families/named.js';
import { type Adapted, type Change, type Changes, EMBEDDING, HEAD } from './change.js';
import { lowRank } from './low-rank.js';
import { isInModule, moduleName } from './names.js';
import type { TensorStock } from './tensor-stock.js';

/**
 * What an adapter does to the weights of a model. Every tensor has its use, and whatever the config speaks of is there,
 * or an error names the first that is not.
 *
 * @throws ModelError `TENSOR_UNUSED`, `TENSOR_MISSING`, `TENSOR_SHAPE`, `ADAPTER_MISMATCH`, `ADAPTER_UNSUPPORTED`
 */
export function changesOf(
  args: Pick<Adapted, 'folder' | 'config' | 'stock' | 'style'> & { model: ModelConfig },
): Changes {
  const { model, stock } = args;
  const shapes = weightShapes({ ...model, tieWordEmbeddings: false });
  checkPlaces(stock, shapes);
  const adapted = { ...args, shapes, isTied: model.tieWordEmbeddings };
  const changes: Changes = new Map();
  for (const [weight, change] of [...lowRank(adapted), ...tokenRows(adapted), ...wholes(adapted)])
    changes.set(weight, { ...changes.get(weight), ...change });

  for (const [weight, { rows, factors, isCopy }] of changes)
    if (rows !== undefined && (factors !== undefined || isCopy === true))
      throw stock.error('ADAPTER_UNSUPPORTED', `has trainable_token_indices of ${weight} beside another change of it`);
  const unused = stock.left()[0];
  if (unused !== undefined)
    throw stock.error('TENSOR_UNUSED', `has a tensor ${unused.stored}, and its config does not ask for it`);
  if (changes.size === 0) throw stock.error('ADAPTER_MISMATCH', 'changes nothing: it has no tensors');
  return changes;
}

/** Every tensor is about a weight that the model has. */
function checkPlaces(stock: TensorStock, shapes: Adapted['shapes']): void {
  const lost = stock.left().find(({ weight }) => !shapes.has(weight));
  if (lost === undefined) return;
  const { weight, role, stored } = lost;
  if (role === 'addend') {
    const what = `adds a bias, ${stored}, to a layer that has none: the model has no place for it`;
    throw stock.error('ADAPTER_UNSUPPORTED', what);
  }
  const what = `has a tensor ${stored}, and the model has no ${weight}: check that it was trained on this model`;
  throw stock.error('TENSOR_UNUSED', what);
}

/** The rows of `trainable_token_indices`. */
function* tokenRows({ config, stock, style, shapes, isTied }: Adapted): Generator<[string, Change]> {
  for (const [target, indices] of Object.entries(config.trainable_token_indices ?? {})) {
    const layer = [EMBEDDING, HEAD].find((name) => moduleName(name, style).endsWith(target));
    if (layer === undefined)
      throw stock.error(
        'ADAPTER_MISMATCH',
        `has trainable_token_indices of ${target}, which is no embedding of the model`,
      );
    const weight = `${layer}.weight`;
    const [vocabulary, width] = shapes.get(weight) as [number, number];
    const beyond = indices.find((index) => index >= vocabulary);
    if (beyond !== undefined) {
      const what = `has trainable_token_indices ${beyond}, and the model's vocabulary ends at ${vocabulary - 1}`;
      throw stock.error('ADAPTER_MISMATCH', what);
    }
    // Where the head is the embedding, one set of rows is written for both.
    if (layer === HEAD && isTied && !stock.has(weight, 'rows')) continue;
    const field = 'trainable_token_indices';
    const tensor = stock.take({ weight, role: 'rows', shape: [indices.length, width], field });
    yield [weight, { rows: { tensor, indices } }];
  }
}

/** Weights that are stored whole: `modules_to_save`, `bias`, and embeddings saved beside. */
function* wholes({ config, stock, style, shapes }: Adapted): Generator<[string, Change]> {
  const isIn = (module: string, weight: string) => isInModule({ module, weight, style });
  const unknown = config.modules_to_save.find((module) => ![...shapes.keys()].some((weight) => isIn(module, weight)));
  if (unknown !== undefined)
    throw stock.error('ADAPTER_MISMATCH', `has ${unknown} in modules_to_save, and the model has no such module`);
  for (const [weight, shape] of shapes) {
    const field = config.modules_to_save.find((module) => isIn(module, weight));
    const isAsked = field !== undefined || (config.bias === 'all' && weight.endsWith('.bias'));
    if (!isAsked && !stock.has(weight, 'whole')) continue;
    const asking = field === undefined ? 'bias' : 'modules_to_save';
    yield [weight, { whole: stock.take({ weight, role: 'whole', shape, field: asking }), isCopy: field !== undefined }];
  }
}
