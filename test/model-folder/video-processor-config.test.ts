import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CLIP_PROCESSOR, readVisionProcessors } from '../../src/model-folder/video-processor-config.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'video-processor-'));
});
afterEach(() => rm(folder, { recursive: true }));
const read = async () => (await readVisionProcessors({ folder, defaults: CLIP_PROCESSOR })).video;
const write = (name: string, json: object) => writeFile(path.join(folder, name), JSON.stringify(json));

it("has Hugging Face's defaults", async () => {
  expect(await read()).toEqual({
    source: `${folder} without a preprocessor_config.json`,
    patchSize: 14,
    temporalPatchSize: 2,
    mergeSize: 2,
    rescaleFactor: 1 / 255,
    imageMean: [0.48145466, 0.4578275, 0.40821073],
    imageStd: [0.26862954, 0.26130258, 0.27577711],
    minPixels: 100352,
    maxPixels: 602112,
  });
});

it('looks where Hugging Face looks, in its order', async () => {
  await write('preprocessor_config.json', {
    min_pixels: 3136,
    max_pixels: 12845056,
    image_mean: [0, 0, 0.5],
    patch_size: 16,
  });
  expect(await read()).toMatchObject({
    minPixels: 3136,
    maxPixels: 12845056,
    imageMean: [0, 0, 0.5],
    patchSize: 16,
  });
  await write('video_preprocessor_config.json', { size: { shortest_edge: 11, longest_edge: 12 }, merge_size: 1 });
  expect(await read()).toMatchObject({
    source: path.join(folder, 'video_preprocessor_config.json'),
    minPixels: 11,
    maxPixels: 12,
    mergeSize: 1,
    patchSize: 14,
  });
  await write('processor_config.json', { processor_class: 'Qwen2VLProcessor' });
  expect(await read()).toMatchObject({ minPixels: 11 });
  await write('processor_config.json', { video_processor: { min_pixels: 21, size: { shortest_edge: 22 } } });
  expect(await read()).toMatchObject({ minPixels: 21, maxPixels: 602112 });
  await write('processor_config.json', { video_processor: { patch_size: 0 } });
  await expect(read()).rejects.toThrow(/processor_config\.json does not fit:\s+video_processor/);
});

it.each([
  [
    { min_pixels: 1, max_pixels: 2, size: { shortest_edge: 3, longest_edge: 4 } },
    { minPixels: 1, maxPixels: 2 },
  ],
  [{ size: { shortest_edge: 3, longest_edge: 4, min_pixels: 5, max_pixels: 6 } }, { minPixels: 3, maxPixels: 4 }],
  [
    { min_pixels: null, size: { longest_edge: null, min_pixels: 5, max_pixels: 6 } },
    { minPixels: 5, maxPixels: 6 },
  ],
  [{ do_resize: null, resample: null, do_center_crop: null, size: null, max_pixels: null }, { maxPixels: 602112 }],
])('takes %j', async (json, config) => {
  await write('preprocessor_config.json', json);
  expect(await read()).toMatchObject(config);
});

it('refuses what would make other pixels', async () => {
  await write('preprocessor_config.json', { do_normalize: false, image_std: [1, 1] });
  await expect(read()).rejects.toMatchObject({
    code: 'MODEL_FILE_INVALID',
    message: expect.stringMatching(/preprocessor_config\.json.*do_normalize.*image_std/s),
  });
});

it.each([
  ['no deviation', { image_std: [0.2, 0, 0.2] }, /image_std\.1: .*>0/],
  ['another filter', { resample: 2 }, /resample: only bicubic/],
  ['no resizing', { do_resize: false }, /do_resize/],
  ['cropping', { do_center_crop: true }, /do_center_crop/],
  ['no rescaling', { do_rescale: false }, /do_rescale/],
  ['a factor below zero', { rescale_factor: -1 }, /rescale_factor: .*>0/],
  ['two channels', { image_mean: [0, 0] }, /image_mean/],
  ['patches of no size', { patch_size: 0, merge_size: 1.5 }, /patch_size: .*>0.*\n.*merge_size: .*int/],
  ['frames of no size', { size: { shortest_edge: 0 } }, /size\.shortest_edge: .*>0/],
  ['pixels far from any', { rescale_factor: 1e6 }, /with these and rescale_factor a pixel becomes \d+/],
  ['black far from any', { image_mean: [1000.5, 0, 0], image_std: [1, 1, 1] }, /a pixel becomes 1000\.5,/],
])('refuses %s', async (_, json, message) => {
  await write('preprocessor_config.json', json);
  await expect(read()).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
  await expect(read()).rejects.toThrow(message);
});
