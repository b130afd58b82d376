/**
 * The way of the data is the order of the folders of `src`: an import points to the same folder or to one further up in
 * this list. Folders of one line may use each other, file by file.
 */
const ORDER = [
  ['system', 'statistics'],
  ['config'],
  ['tasks', 'dataset'],
  ['video'],
  ['synthesize'],
  ['model-folder'],
  ['prompt'],
  ['tensor'],
  ['policy'],
  ['rollout'],
  ['judge'],
  ['rewards'],
  ['parallel'],
  ['evaluation'],
  ['run'],
  ['trainer'],
  ['ablation', 'report'],
  ['annotate'],
  ['quickstart'],
  ['cli'],
];

const inside = (folders) => `^src/(${folders.join('|')})/`;

const againstTheOrder = ORDER.slice(0, -1).map((folders, i) => ({
  name: `${folders.join('-and-')}-imports-what-comes-after`,
  comment: 'An import points up in the order of the folders (.dependency-cruiser.mjs).',
  severity: 'error',
  from: { path: inside(folders) },
  to: { path: inside(ORDER.slice(i + 1).flat()) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'circle', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    ...againstTheOrder,
    {
      name: 'folder-without-a-place',
      comment: 'A new folder of src has a place in the order (.dependency-cruiser.mjs).',
      severity: 'error',
      from: { path: '^src/', pathNot: inside(ORDER.flat()) },
      to: {},
    },
    {
      name: 'tensorflow-outside-of-tensor',
      comment: 'Only src/tensor knows TensorFlow.',
      severity: 'error',
      from: { path: '^(src|bench|scripts)/', pathNot: '^src/tensor/' },
      to: { path: '@tensorflow/' },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      from: { path: '^(src|bench|scripts)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'tsc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
