import type { Tensor } from '../../tensor.js';
import type { Executor } from './executor.js';

/**
 * `Backend.crossEntropy` of operations that add up in one order on a GPU, where TensorFlow's own adds as it comes
 * (`SparseSoftmaxCrossEntropyWithLogits`, which `TF_DETERMINISTIC_OPS` refuses).
 */
export function steadyCrossEntropy(args: { executor: Executor; logits: Tensor; labels: Tensor }) {
  const { executor, logits, labels } = args;
  const logProbabilities = executor.run('LogSoftmax', [], [logits]);
  const byRow = [executor.int('batch_dims', 1)];
  const ofLabels = executor.run('GatherV2', byRow, [logProbabilities, labels], [executor.ints(1)], logits.dtype);
  const loss = executor.run('Neg', [], [ofLabels]);
  const probabilities = executor.run('Exp', [], [logProbabilities]);
  const width = [executor.ints(logits.shape[1]!), executor.scalar(1), executor.scalar(0)];
  const target = executor.run('OneHot', [], [labels], width, 'float32');
  const gradient = executor.run('Sub', [], [probabilities, target]);
  for (const tensor of [logProbabilities, ofLabels, probabilities, target]) tensor.dispose();
  return { loss, gradient };
}
