// The page on which annotations are accepted, edited or rejected. TOKEN is set before it.
const at = (id) => document.getElementById(id);
const LETTERS = ['A', 'B', 'C', 'D'];
let items = [];
let current = 0;
/** What the fields showed when they were filled: a difference is an edit. */
let shown = '';

const ask = async (path, body) => {
  const response = await fetch(path, {
    headers: { 'x-token': TOKEN, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, ...(await response.json()) };
};

const MARKS = { accept: '✓ ', reject: '✗ ', open: '✎ ' };

function list() {
  at('list').replaceChildren(
    ...items.map((item, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = (MARKS[item.decision] ?? '· ') + item.annotated.video;
      button.setAttribute('aria-current', String(i === current));
      button.addEventListener('click', () => go(i));
      const entry = document.createElement('li');
      entry.append(button);
      return entry;
    }),
  );
  const decided = items.filter(({ decision }) => decision === 'accept' || decision === 'reject').length;
  at('count').textContent = `${decided} of ${items.length} decided`;
}

function fill() {
  const item = items[current];
  if (item === undefined) return;
  const one = item.annotated;
  at('name').textContent = one.video;
  at('notes').textContent = one.notes.join('; ');
  for (const id of ['question', 'class', 'key_object', 'description', 'reasoning']) at(id).value = one[id];
  at('options').replaceChildren(
    ...one.options.map((text, i) => {
      const row = document.createElement('div');
      row.className = 'option';
      const radio = Object.assign(document.createElement('input'), {
        type: 'radio',
        name: 'answer',
        value: LETTERS[i],
      });
      radio.checked = one.answer === LETTERS[i];
      radio.setAttribute('aria-label', `option ${LETTERS[i]} is right`);
      const input = Object.assign(document.createElement('input'), { type: 'text', value: text });
      input.setAttribute('aria-label', `option ${LETTERS[i]}`);
      row.append(radio, input);
      return row;
    }),
  );
  const times = Array.isArray(one.segment) ? one.segment : ['', ''];
  [at('start').value, at('end').value] = times;
  at('normal').checked = one.segment === 'normal';
  shown = JSON.stringify(read());
  list();
  frames(one.video);
}

/** The annotation as the fields have it. */
function read() {
  const one = items[current].annotated;
  const fields = Object.fromEntries(
    ['question', 'class', 'key_object', 'description', 'reasoning'].map((id) => [id, at(id).value]),
  );
  const rows = [...at('options').children];
  const right = rows.findIndex((row) => row.querySelector('[type=radio]').checked);
  const [start, end] = [at('start').value, at('end').value];
  const interval = start === '' || end === '' ? undefined : [Number(start), Number(end)];
  return {
    video: one.video,
    ...fields,
    options: rows.map((row) => row.querySelector('[type=text]').value),
    answer: LETTERS[right] ?? one.answer,
    segment: at('normal').checked ? 'normal' : interval,
    notes: one.notes,
  };
}

const known = new Map();

async function frames(video) {
  const place = at('frames');
  place.replaceChildren();
  if (!known.has(video)) known.set(video, ask(`/frames?video=${encodeURIComponent(video)}`));
  const strip = await known.get(video);
  if (items[current]?.annotated.video !== video || strip.frames === undefined) return;
  const row = document.createElement('div');
  row.className = 'frames';
  for (const { time, url } of strip.frames) {
    const figure = document.createElement('figure');
    const image = Object.assign(document.createElement('img'), { src: url, alt: `frame at ${time.toFixed(1)} s` });
    const caption = document.createElement('figcaption');
    caption.textContent = `${time.toFixed(1)} s`;
    figure.append(image, caption);
    row.append(figure);
  }
  place.replaceChildren(row);
}

const say = (text) => {
  at('said').textContent = text;
};

const isEdited = () => items.length > 0 && JSON.stringify(read()) !== shown;

/** Saves a decision, or what was edited. Returns whether it is saved. */
let saving = Promise.resolve(true);
function save(decision) {
  saving = saving.then(() => saveNow(decision));
  return saving;
}

async function saveNow(decision) {
  const item = items[current];
  if (item === undefined) return true;
  const edited = isEdited() ? read() : undefined;
  if (decision === undefined && edited === undefined) return true;
  const { video } = item.annotated;
  const asked = decision ?? item.decision ?? 'open';
  const answer = await ask('/review', { video, decision: asked, edited, version: item.version }).catch(() => null);
  if (answer === null) {
    say('not saved: the program that served this page has ended');
    return false;
  }
  const place = items.findIndex(({ annotated }) => annotated.video === video);
  if (answer.status === 200) {
    items[place] = answer.item;
    if (place === current) shown = JSON.stringify(read());
    say(`saved: ${video}`);
    list();
    return true;
  }
  if (answer.status === 409) {
    // What was written here stays: whether it is better is for people to say.
    items[place] = answer.item;
    list();
    say('decided in another window meanwhile: press a to put yours in its place, or reload the page for theirs');
    return false;
  }
  say(`not saved: ${answer.error}`);
  return false;
}

async function go(to) {
  if (!(await save())) return;
  current = Math.min(Math.max(to, 0), items.length - 1);
  fill();
}

async function decide(decision) {
  if (await save(decision)) await go(current + 1);
}

/** What other windows have decided. */
async function refresh() {
  const answer = await ask('/items').catch(() => null);
  if (answer?.items === undefined) return;
  const { video } = items[current]?.annotated ?? {};
  const before = items[current]?.version;
  const edited = isEdited();
  items = answer.items;
  const place = items.findIndex(({ annotated }) => annotated.video === video);
  if (place >= 0) current = place;
  // What is being edited here is not taken away: saving it will tell.
  if (edited) items[current] = { ...items[current], version: before };
  else if (video === undefined || items[current]?.version !== before) fill();
  list();
}

at('accept').addEventListener('click', () => decide('accept'));
at('reject').addEventListener('click', () => decide('reject'));
at('next').addEventListener('click', () => go(current + 1));
at('previous').addEventListener('click', () => go(current - 1));
at('form').addEventListener('change', () => save());
at('form').addEventListener('submit', (event) => event.preventDefault());

const KEYS = {
  a: () => decide('accept'),
  r: () => decide('reject'),
  j: () => go(current + 1),
  k: () => go(current - 1),
  e: () => at('question').focus(),
};

document.addEventListener('keydown', (event) => {
  const isField = event.target.matches('input, textarea, select');
  if (event.key === 'Escape' && isField) {
    event.target.blur();
    return;
  }
  if (isField || event.ctrlKey || event.metaKey || event.altKey || KEYS[event.key] === undefined) return;
  event.preventDefault();
  KEYS[event.key]();
});

refresh().then(() => {
  // The first that nobody has decided about.
  const open = items.findIndex(({ decision }) => decision === null);
  current = Math.max(0, open);
  fill();
});
setInterval(refresh, 2000);
