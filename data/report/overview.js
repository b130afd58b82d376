// What a run is, how it is, and its curves.

const several = DATA.runs.length > 1;

function overview() {
  const arms = DATA.ablation === null ? DATA.runs : [];
  return [
    el(
      'ul',
      { className: 'runs' },
      arms.map((run, i) =>
        el(
          'li',
          {},
          el('span', { className: 'dot', style: { background: color(i) } }),
          el('b', {}, run.name),
          ` ${run.method.toUpperCase()}, ${run.steps} of ${run.maxSteps} steps${run.isFinished ? '' : ', not finished'}`,
          el(
            'dl',
            { className: 'facts' },
            run.facts.flatMap(([name, text]) => [el('dt', {}, name), el('dd', {}, text)]),
          ),
        ),
      ),
    ),
  ];
}

function adviceSection() {
  const items = DATA.runs.flatMap((run) => run.advice.map((one) => ({ ...one, run })));
  const list = items.map(({ kind, finding, cause, remedy, step, run }) =>
    el(
      'li',
      { className: kind },
      el('p', {}, several ? el('b', {}, `${run.name}: `) : null, el('b', {}, finding)),
      el('p', {}, cause),
      el('p', { className: 'quiet' }, `What helps: ${remedy}`),
      step === undefined
        ? null
        : el('button', { type: 'button', onclick: () => goToStep(step) }, `groups around step ${step}`),
    ),
  );
  const well = el('p', {}, 'Nothing looks wrong.');
  return section('health', 'Health', list.length === 0 ? well : el('ul', { className: 'advice' }, list));
}

/** Of all evaluations: the numbers that stand for their tasks have an interval. */
function heldOutSection() {
  const names = [
    ...new Set(
      DATA.runs.flatMap(({ evaluations }) =>
        evaluations.flatMap((line) => Object.keys(line).filter((name) => `${name}/low` in line)),
      ),
    ),
  ];
  const rows = DATA.runs.flatMap((run) => {
    const last = run.evaluations.at(-1);
    if (last === undefined) return [];
    return names.map((name) =>
      el(
        'tr',
        {},
        several ? el('td', {}, run.name) : null,
        el('td', {}, name),
        number(short(last[name])),
        number(`${short(last[`${name}/low`])} to ${short(last[`${name}/high`])}`),
        number(short(last[`${name}/blind`])),
        number(String(last[`${name.split('/')[0]}/count`] ?? '')),
        number(String(last.step)),
      ),
    );
  });
  if (rows.length === 0) return null;
  const head = [...(several ? ['run'] : []), 'number', 'value', '95 % interval', 'best guesser', 'samples', 'step'];
  const figures = names.map((name) =>
    chart(
      `${name}, held out`,
      DATA.runs.flatMap((run, i) => heldOutSeries(run, name, several ? i : 0)),
      { hint: 'dashed: the 95 % interval; dotted: the best guesser, who never sees a video' },
    ),
  );
  return section(
    'held-out',
    'Held-out samples',
    el('p', { className: 'quiet' }, 'The best guesser has read the training annotations and never sees a video.'),
    figureTable('held-out figures', head, rows),
    DATA.runs.some(({ evaluations }) => evaluations.length > 1) ? el('div', { className: 'charts' }, figures) : null,
  );
}

function heldOutSeries({ name: run, evaluations }, name, i) {
  const steps = evaluations.map(({ step }) => step);
  const of = (suffix) => evaluations.map((line) => line[name + suffix] ?? null);
  const label = several ? run : 'policy';
  return [
    { label, steps, values: of(''), color: i, points: true },
    ...(several
      ? []
      : [
          { label: 'low', steps, values: of('/low'), color: i, dash: [6, 4] },
          { label: 'high', steps, values: of('/high'), color: i, dash: [6, 4] },
          { label: 'guesser', steps, values: of('/blind'), color: 7, dash: [2, 3] },
        ]),
  ];
}

const number = (text) => el('td', { className: 'number' }, text);

function figureTable(title, head, rows) {
  const titles = head.map((title) => el('th', { scope: 'col' }, title));
  const table = el('table', { className: 'figures' }, el('thead', {}, el('tr', {}, titles)), el('tbody', {}, rows));
  return el('div', { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: title }, table);
}

const GIB = 2 ** 30;
/** What curves are of: `[title, [[name, label]…], what a value becomes, hint]`. */
const CURVES = [
  ['reward', [['reward', 'reward']]],
  ['reward by task', /^(qa|tag|cls|reasoning)\/reward$/, {}, 'tasks have different terms, and so different bests'],
  ['reward terms (mean)', /^rewards\/(.+)\/mean$/],
  ['spread within groups', [['reward_std', 'std of the reward']]],
  [
    'groups without spread',
    [['groups/zero_variance', 'share']],
    { share: true },
    'all completions of a prompt have the same reward: they teach nothing',
  ],
  ['loss', [['loss', 'loss']]],
  ['KL to the reference, nats a token', [['kl', 'kl']]],
  ['entropy, nats a token', [['entropy', 'entropy']]],
  ['length, tokens', /^completions\/(mean|min|max)_length$/],
  ['cut off', [['completions/truncated', 'share']], { share: true }, 'completions that reach the limit of tokens'],
  ['garbled', [['completions/garbled', 'share']], { share: true }, 'completions that are no language any more'],
  ['clipped', [['clip_ratio', 'share']], {}, 'tokens whose ratio to the policy that sampled is out of range'],
  ['gradient norm', [['grad_norm', 'norm']]],
  ['learning rate', [['learning_rate', 'rate']], { smooth: false }],
  ['time of a step, s', /^time\/(.+)_s$/],
  ['tokens a second', [['tokens_per_second', 'tokens/s']]],
  [
    'memory, GiB',
    [
      ['memory/rss_bytes', 'memory'],
      ['memory/peak_rss_bytes', 'peak'],
    ],
    { scale: 1 / GIB },
  ],
];

function curveSection(sources) {
  for (const { curves } of sources) addRate(curves);
  const figures = CURVES.flatMap(([title, what, options = {}, hint]) => {
    const names = what instanceof RegExp ? matching(sources, what) : what;
    const { scale = 1, share, smooth } = options;
    const of = ({ curves }, name) =>
      (curves.series[name] ?? []).map((value) => (value === null ? null : value * scale));
    if (sources.length === 1) {
      const [one] = sources;
      const series = names.map(([name, label], i) => ({
        label,
        steps: one.curves.steps,
        values: of(one, name),
        color: i,
      }));
      return [chart(title, series, { hint, share, smooth })];
    }
    return names.map(([name, label]) =>
      chart(
        names.length === 1 ? title : `${title}: ${label}`,
        sources.map((one, i) => ({ label: one.label, steps: one.curves.steps, values: of(one, name), color: i })),
        { hint, share, smooth },
      ),
    );
  });
  return section('curves', 'Curves', el('div', { className: 'charts' }, figures));
}

function matching(sources, pattern) {
  const names = [...new Set(sources.flatMap(({ curves }) => Object.keys(curves.series)))];
  return names.flatMap((name) => {
    const found = pattern.exec(name);
    return found === null ? [] : [[name, found[1]]];
  });
}

/** Tokens a second, from those that were seen by then. */
function addRate({ series, every }) {
  const { num_tokens: tokens, 'time/step_s': times } = series;
  if (tokens === undefined || times === undefined) return;
  series.tokens_per_second = tokens.map((count, i) => {
    const before = i === 0 ? null : tokens[i - 1];
    return before === null || !times[i] || count === null ? null : (count - before) / (every * times[i]);
  });
}

function section(id, title, ...children) {
  return el('section', { id, ariaLabel: title }, el('h2', {}, title), ...children);
}
