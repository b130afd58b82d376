import path from 'node:path';
import { readGenerationConfig } from '../model-folder/generation-config.js';
import type { ModelConfig } from '../model-folder/model-config.js';
import { readVisionProcessors, type VideoProcessorConfig } from '../model-folder/video-processor-config.js';
import { ModelError } from '../system/errors.js';
import { type ChatTemplate, loadChatTemplate } from './chat-template.js';
import type { FamilyPrompt } from './family-prompt.js';
import { loadTokenizer, type Tokenizer } from './tokenizer.js';
import { PLACEHOLDERS, type VisionBlock } from './vision-blocks.js';
import type { Visual } from './visual.js';

/** All that turns text and frames into a prompt, and a completion's ids into text. */
export interface Processor {
  tokenizer: Tokenizer;
  chatTemplate: ChatTemplate;
  video: VideoProcessorConfig;
  /** The same for pictures. */
  image: VideoProcessorConfig;
  /** How the tokens of a picture or a video stand in a prompt. */
  blocksOf(visual: Pick<Visual, 'kind' | 'grid' | 'times'>): VisionBlock[];
  /** Height and width of frames must be multiples of this many pixels: `patchSize · mergeSize`. */
  factor: number;
  /** `<|image_pad|>` and `<|video_pad|>`: stand for what is seen in the template's text and for each of its tokens in a prompt. */
  visionTokenIds: readonly number[];
  /** `<|im_end|>`: what the assistant's turn ends with. */
  endOfTurnId: number;
  /** Any of these ends a completion: the end of the turn, and what `generation_config.json` says. */
  endTokenIds: readonly number[];
}

const END_OF_TURN = '<|im_end|>';

/**
 * Loads a model folder's tokenizer, chat template, video settings and end tokens (Hugging Face layout), and checks them
 * against the model that they are for.
 *
 * @throws ModelError naming the file that is missing or does not fit; `PROCESSOR_MISMATCH` where it is another model's.
 */
export async function loadProcessor({
  folder,
  config,
  family,
}: {
  folder: string;
  config: ModelConfig;
  family: FamilyPrompt;
}): Promise<Processor> {
  const [tokenizer, chatTemplate, { video, image }, generation] = await Promise.all([
    loadTokenizer(folder),
    loadChatTemplate({ folder, fallback: family.chatTemplate }),
    readVisionProcessors({ folder, defaults: family.processor }),
    readGenerationConfig(folder),
  ]);
  const visionTokenIds = [PLACEHOLDERS.image, PLACEHOLDERS.video].map((token) => tokenizer.idOf(token));
  const endOfTurnId = tokenizer.idOf(END_OF_TURN);
  const misfit =
    videoMisfit({ video, config }) ??
    videoMisfit({ video: image, config }) ??
    tokenizerMisfit({ tokenizer, config, folder }) ??
    idMisfit({ ...generation, config, folder });
  if (misfit !== undefined) {
    const message = `${misfit}: it belongs to another model; take the one that came with the weights.`;
    throw new ModelError({ code: 'PROCESSOR_MISMATCH', message });
  }
  return {
    tokenizer,
    chatTemplate,
    video,
    image,
    blocksOf: (visual) => family.blocks({ visual, config }),
    factor: video.patchSize * video.mergeSize,
    visionTokenIds,
    endOfTurnId,
    endTokenIds: [...new Set([endOfTurnId, ...generation.eosTokenIds])],
  };
}

/** The vision tower multiplies a patch as it comes: of another size it would be read past its end. */
function videoMisfit({ video, config }: { video: VideoProcessorConfig; config: ModelConfig }): string | undefined {
  const { vision } = config;
  const pairs = [
    ['patch_size', video.patchSize, vision.patchSize],
    ['temporal_patch_size', video.temporalPatchSize, vision.temporalPatchSize],
    ['merge_size', video.mergeSize, vision.spatialMergeSize],
  ] as const;
  const wrong = pairs.filter(([, ours, theirs]) => ours !== theirs);
  if (wrong.length === 0) return undefined;
  return `${video.source} has ${wrong.map(([name, ours, theirs]) => `${name} ${ours} (the model's is ${theirs})`).join(', ')}`;
}

function tokenizerMisfit(args: { tokenizer: Tokenizer; config: ModelConfig; folder: string }): string | undefined {
  const { tokenizer, config, folder } = args;
  const file = path.join(folder, 'tokenizer.json');
  const rows = config.text.vocabSize;
  if (tokenizer.largestId >= rows) {
    return `${file} has ids up to ${tokenizer.largestId}, and the model's embedding has ${rows} rows`;
  }
  const pairs = [
    [PLACEHOLDERS.video, 'video_token_id', config.videoTokenId],
    [PLACEHOLDERS.image, 'image_token_id', config.imageTokenId],
    ['<|vision_start|>', 'vision_start_token_id', config.visionStartTokenId],
    ['<|vision_end|>', 'vision_end_token_id', config.visionEndTokenId],
  ] as const;
  const wrong = pairs.find(([token, , id]) => tokenizer.idOf(token) !== id);
  if (wrong === undefined) return undefined;
  const [token, name, id] = wrong;
  return `${file} has ${token} as ${tokenizer.idOf(token)}, and the model's ${name} is ${id}`;
}

function idMisfit(args: { eosTokenIds: number[]; padTokenId?: number; config: ModelConfig; folder: string }) {
  const { eosTokenIds, padTokenId, config, folder } = args;
  const rows = config.text.vocabSize;
  const wrong = [...eosTokenIds, padTokenId ?? 0].find((id) => id >= rows);
  if (wrong === undefined) return undefined;
  return `${path.join(folder, 'generation_config.json')} or config.json names the token ${wrong}, and the model's embedding has ${rows} rows`;
}
