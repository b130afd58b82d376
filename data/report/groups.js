// The browser of groups: which there are, and what is in one.

const groups = DATA.runs.flatMap((run, r) =>
  run.groups.map((group, i) => {
    const rewards = group.completions.flatMap(({ reward }) => (reward === null ? [] : [reward]));
    return {
      ...group,
      run,
      key: `${r}.${i}`,
      mean: rewards.length === 0 ? null : mean(rewards),
      spread: range(rewards),
      problems: group.completions.filter(({ problem }) => problem !== null).length,
      text: [group.id, group.question ?? '', ...group.completions.map(({ text }) => text)].join('\n').toLowerCase(),
    };
  }),
);
const terms = [
  ...new Set(groups.flatMap(({ completions }) => completions.flatMap(({ rewards }) => Object.keys(rewards)))),
];

const filters = {
  run: '',
  task: '',
  from: '',
  to: '',
  term: '',
  most: '',
  problems: false,
  spread: false,
  search: '',
  order: 'step',
};
let visible = [];
let current = null;
let other = null;

const ORDERS = {
  step: ['by step', (a, b) => a.step - b.step],
  best: ['best first', (a, b) => (b.mean ?? -1e9) - (a.mean ?? -1e9)],
  worst: ['worst first', (a, b) => (a.mean ?? 1e9) - (b.mean ?? 1e9)],
  spread: ['most spread first', (a, b) => b.spread - a.spread],
};

function groupSection() {
  if (groups.length === 0) return null;
  const list = el('div', {
    id: 'list',
    className: 'list',
    role: 'listbox',
    tabIndex: 0,
    ariaLabel: 'groups',
    onkeydown: onListKey,
  });
  const notes = [...new Set(DATA.runs.flatMap((run) => run.notes))];
  return section(
    'groups',
    'Groups',
    notes.map((note) => el('p', { className: 'quiet' }, note)),
    el(
      'p',
      { className: 'quiet keys' },
      el('kbd', {}, 'j'),
      ' ',
      el('kbd', {}, 'k'),
      ' next, previous; ',
      el('kbd', {}, '/'),
      ' search; ',
      el('kbd', {}, 'c'),
      ' keep this group beside the next ones',
    ),
    el(
      'div',
      { className: 'browser' },
      el('div', {}, filterFields(), el('p', { id: 'found', role: 'status', className: 'quiet' }), list),
      el('div', { id: 'detail', ariaLive: 'polite' }),
    ),
  );
}

function filterFields() {
  const select = (name, title, options) =>
    el(
      'label',
      {},
      title,
      el(
        'select',
        { onchange: (event) => setFilter(name, event.target.value) },
        options.map(([value, text]) => el('option', { value, selected: filters[name] === value }, text)),
      ),
    );
  const input = (name, title, type, className) =>
    el(
      'label',
      { className },
      title,
      el('input', { id: `filter-${name}`, type, step: 'any', oninput: (event) => setFilter(name, event.target.value) }),
    );
  const check = (name, title) =>
    el(
      'label',
      { className: 'wide' },
      el('input', {
        type: 'checkbox',
        style: { width: 'auto' },
        onchange: (event) => setFilter(name, event.target.checked),
      }),
      ` ${title}`,
    );
  const tasks = [...new Set(groups.map(({ task }) => task))];
  return el(
    'div',
    { className: 'filters', role: 'search' },
    several ? select('run', 'Run', [['', 'all'], ...DATA.runs.map(({ name }) => [name, name])]) : null,
    select('task', 'Task', [['', 'all'], ...tasks.map((task) => [task, task])]),
    select(
      'order',
      'Order',
      Object.entries(ORDERS).map(([value, [text]]) => [value, text]),
    ),
    input('from', 'From step', 'number'),
    input('to', 'To step', 'number'),
    select('term', 'Reward', [['', 'total'], ...terms.map((term) => [term, term])]),
    input('most', 'at most (mean)', 'number'),
    check('problems', 'with answers that cannot be read'),
    check('spread', 'with a spread of rewards'),
    input('search', 'Search in ids, questions, completions', 'search', 'wide'),
  );
}

/** From advice to what was said then. */
function goToStep(step) {
  for (const [name, value] of [
    ['from', step - 1],
    ['to', step + 1],
  ]) {
    filters[name] = String(value);
    document.getElementById(`filter-${name}`).value = value;
  }
  showList();
  document.getElementById('groups').scrollIntoView();
}

function setFilter(name, value) {
  filters[name] = value;
  showList();
}

function matches(group) {
  const { run, task, from, to, term, most, problems, spread, search } = filters;
  if (run !== '' && group.run.name !== run) return false;
  if (task !== '' && group.task !== task) return false;
  if (from !== '' && group.step < Number(from)) return false;
  if (to !== '' && group.step > Number(to)) return false;
  if (most !== '' && !(meanOf(group, term) <= Number(most))) return false;
  if (problems && group.problems === 0) return false;
  if (spread && group.spread === 0) return false;
  return group.text.includes(search.toLowerCase());
}

function meanOf(group, term) {
  if (term === '') return group.mean ?? Number.NaN;
  const values = group.completions.flatMap(({ rewards }) => rewards[term] ?? []);
  return values.length === 0 ? Number.NaN : mean(values);
}

function showList() {
  visible = groups.filter(matches).sort(ORDERS[filters.order][1]);
  if (!visible.includes(current)) current = visible[0] ?? null;
  document.getElementById('found').textContent = `${visible.length} of ${groups.length} groups`;
  document.getElementById('list').replaceChildren(
    ...visible.map((group) =>
      el(
        'div',
        {
          id: `group-${group.key}`,
          role: 'option',
          ariaSelected: String(group === current),
          onclick: () => select(group),
        },
        el('span', {}, `step ${group.step}`),
        el('span', { className: 'id', title: group.id }, `${group.task} ${group.id}`),
        el('span', { title: 'mean reward' }, short(group.mean)),
      ),
    ),
  );
  showDetail();
}

function select(group) {
  const list = document.getElementById('list');
  current = group;
  for (const option of list.children) option.setAttribute('aria-selected', String(option.id === `group-${group?.key}`));
  const chosen = document.getElementById(`group-${group?.key}`);
  if (chosen !== null) {
    list.setAttribute('aria-activedescendant', chosen.id);
    chosen.scrollIntoView({ block: 'nearest' });
  }
  showDetail();
}

function move(by) {
  const at = visible.indexOf(current);
  const next = visible[Math.min(Math.max(at + by, 0), visible.length - 1)];
  if (next !== undefined) select(next);
}

function onListKey(event) {
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  move(by);
}

function showDetail() {
  const place = document.getElementById('detail');
  if (current === null) return place.replaceChildren(el('p', {}, 'No group is like that.'));
  const pair = other === null || other === current ? [current] : [other, current];
  place.replaceChildren(
    sameSampleButtons(),
    el('div', { className: pair.length === 2 ? 'pair two' : 'pair' }, pair.map(groupView)),
  );
}

/** The same sample at other steps: one click puts it beside this one. */
function sameSampleButtons() {
  const times = groups.filter(
    ({ id, run, step }) => id === current.id && (run !== current.run || step !== current.step),
  );
  return el(
    'p',
    {},
    other === null ? null : el('button', { type: 'button', onclick: () => keep(null) }, `let go of step ${other.step}`),
    times.length === 0 ? null : ' the same sample: ',
    times
      .slice(0, 6)
      .map((group) =>
        el(
          'button',
          { type: 'button', onclick: () => keep(group) },
          `beside step ${group.step}${group.run === current.run ? '' : ` of ${group.run.name}`}`,
        ),
      ),
  );
}

function keep(group) {
  other = group;
  showDetail();
}

function groupView(group) {
  const strip = group.video === null ? undefined : DATA.strips[group.video];
  return el(
    'article',
    {},
    el('h3', {}, `${several ? `${group.run.name}, ` : ''}step ${group.step}: ${group.task}`),
    el('p', { className: 'quiet' }, group.id, group.passedOver ? ' (drawn, not learned from)' : ''),
    strip === undefined ? null : frames(strip),
    strip === undefined ? null : timeline(strip.duration, group),
    group.question === null ? null : el('p', {}, el('b', {}, group.question)),
    group.options === null ? null : el('p', {}, group.options.map((text, i) => `${'ABCD'[i]}. ${text}`).join('   ')),
    el(
      'dl',
      {},
      group.truth.flatMap(([name, text]) => [el('dt', {}, name), el('dd', {}, text)]),
    ),
    el('details', {}, el('summary', {}, 'the prompt'), el('pre', {}, group.prompt)),
    group.completions.map((completion, g) => completionView(completion, g, group)),
  );
}

function frames({ frames: shown }) {
  return el(
    'div',
    { className: 'frames', tabIndex: 0, role: 'group', ariaLabel: 'frames of the video' },
    shown.map(({ time, url }) =>
      el('figure', {}, el('img', { src: url, alt: `frame at ${seconds(time)}` }), el('figcaption', {}, seconds(time))),
    ),
  );
}

const ROW = 7;

/** The annotated segment, and under it that of each completion. */
function timeline(duration, group) {
  const spans = [
    { segment: group.segment, title: 'annotated', fill: 'var(--good)' },
    ...group.completions.map(({ segment }, g) => ({ segment, title: `completion ${g + 1}`, fill: 'var(--c1)' })),
  ];
  if (spans.every(({ segment }) => !Array.isArray(segment))) return null;
  const x = (time) => (1000 * Math.min(Math.max(time, 0), duration)) / duration;
  const height = 4 + ROW * spans.length;
  const bars = spans.flatMap(({ segment, title, fill }, i) =>
    Array.isArray(segment)
      ? [
          svg(
            'rect',
            {
              x: x(segment[0]),
              y: 2 + ROW * i,
              width: Math.max(2, x(segment[1]) - x(segment[0])),
              height: i === 0 ? 6 : 4,
              style: `fill: ${fill}`,
            },
            svg('title', {}, `${title}: ${seconds(segment[0])} to ${seconds(segment[1])}`),
          ),
        ]
      : [],
  );
  const line = svg('rect', { x: 0, y: 0, width: 1000, height, style: 'fill: var(--soft)' });
  const label = `timeline of ${seconds(duration)}: annotated above, the completions' segments below`;
  const made = svg(
    'svg',
    { viewBox: `0 0 1000 ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    line,
    bars,
  );
  made.style.height = `${Math.min(120, 2 * height)}px`;
  return made;
}

function completionView(completion, g, group) {
  const { rewards, reward, advantage, truncated, answer, segment, problem, annotated } = completion;
  const largest = Math.max(1e-9, ...group.completions.map((one) => Math.abs(one.advantage ?? 0)));
  const notes = [
    answer === null ? null : `answers ${answer}`,
    segment === 'normal'
      ? 'no segment'
      : Array.isArray(segment)
        ? `${seconds(segment[0])} to ${seconds(segment[1])}`
        : null,
    annotated ? 'the annotated answer, in its place' : null,
  ].filter((note) => note !== null);
  const faults = [problem, truncated ? 'cut off' : null].filter((fault) => fault !== null);
  return el(
    'div',
    { className: 'completion' },
    el(
      'div',
      { className: 'head' },
      el('b', {}, `completion ${g + 1}`),
      bar('reward', reward, Math.max(1, ...group.completions.map((one) => Math.abs(one.reward ?? 0)))),
      Object.entries(rewards).map(([name, value]) => bar(name, value, Math.max(1, Math.abs(value ?? 0)))),
      bar('advantage', advantage, largest, true),
    ),
    el(
      'p',
      { className: 'tags' },
      notes.join('; '),
      faults.length === 0 ? null : el('span', { className: 'warn' }, ` ${faults.join('; ')}`),
    ),
    completion.tokens === null ? el('p', { className: 'tokens' }, completion.text) : tokenView(completion.tokens),
  );
}

/** A value as a bar; one that has a sign grows from the middle. */
function bar(name, value, most, signed = false) {
  const part = value === null ? 0 : Math.min(1, Math.abs(value) / most) * (signed ? 50 : 100);
  const left = signed ? (value < 0 ? 50 - part : 50) : 0;
  const kind = signed || value < 0 ? (value < 0 ? 'fill minus' : 'fill plus') : 'fill';
  return el(
    'div',
    { className: 'bar' },
    el('span', {}, name),
    el('span', { className: 'track' }, el('span', { className: kind, style: { left: `${left}%`, width: `${part}%` } })),
    el('span', { className: 'value' }, short(value)),
  );
}

/** How unlikely a token was to the policy is its shade; how much likelier than to the reference, the line under it. */
function tokenView(tokens) {
  return el(
    'p',
    { className: 'tokens' },
    tokens.map(([text, logprob, reference]) => {
      const doubt = logprob === null ? 1 : Math.min(1, -logprob / 4);
      const moved = reference === null || logprob === null ? 0 : Math.max(-1, Math.min(1, (logprob - reference) / 3));
      const title = `log-prob ${short(logprob)}${reference === null ? '' : `, of the reference ${short(reference)}`}`;
      const line = moved > 0 ? 'var(--c2)' : 'var(--c1)';
      const style = {
        background: `color-mix(in srgb, var(--c4) ${Math.round(45 * doubt)}%, transparent)`,
        borderBottomColor: `color-mix(in srgb, ${line} ${Math.round(100 * Math.abs(moved))}%, transparent)`,
      };
      return el('span', { title, style }, text);
    }),
  );
}
