/**
 * Makes a fresh clone usable, then runs what it is asked to: `node scripts/bootstrap.mjs COMMAND [ARGS]`.
 *
 * Installs the packages if package-lock.json is not what is installed, and compiles src/ into dist/ if it is not what
 * was compiled; says nothing where there is nothing to do. `build` stops there; `test` runs all checks (ARGS go to
 * vitest), `lint` those that only read; any other COMMAND is one of `vau-rft`. Plain JavaScript without packages, since it runs before there are any.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);

/** The tools' own entry points: quicker than npx, and the same on every system. */
const tools = {
  /** The compiler in Go; `typescript` is the one in JavaScript, which dependency-cruiser parses with. */
  tsc: at('node_modules', 'typescript-7', 'bin', 'tsc'),
  biome: at('node_modules', '@biomejs', 'biome', 'bin', 'biome'),
  depcruise: at('node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
  knip: at('node_modules', 'knip', 'bin', 'knip.js'),
  vitest: at('node_modules', 'vitest', 'vitest.mjs'),
};

/** Says what is going on; standard output is left to the command's results. */
const say = (line) => process.stderr.write(`${line}\n`);

/** A program that we ran has failed, and said why; we end with its exit code. */
class Failure extends Error {
  constructor(exitCode) {
    super();
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program in the project with our terminal. Who asks us to stop asks the program, which may have something to
 * save; we wait for it. @throws Failure
 */
const run = async (command, args) => {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
  const pass = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'];
  for (const signal of signals) process.on(signal, pass);
  const { code, signal } = await new Promise((resolve) => {
    child.on('error', (error) => {
      say(`${command} cannot be started: ${error.message}`);
      resolve({ code: 1, signal: null });
    });
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  for (const signal of signals) process.off(signal, pass);
  if (code !== 0) throw new Failure(code ?? (signal === 'SIGINT' ? 130 : 1));
};

const node = (args) => run(process.execPath, args);

/** As `run`, with a line before and one with the time after. */
const step = async (title, action) => {
  const start = performance.now();
  say(`> ${title} …`);
  await action();
  say(`> ${title}: done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
};

const digest = (files) => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
};

const filesOf = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : null);

const install = async () => {
  const lock = at('package-lock.json');
  const stamp = at('node_modules', '.package-lock.sha256');
  const wanted = digest([lock]);
  if (read(stamp) === wanted) return;
  // npm's own record of what it installed: someone ran npm by hand after the lock file changed. Without the tools of
  // development (NODE_ENV=production, --omit=dev) that is not enough for us.
  const record = at('node_modules', '.package-lock.json');
  const installedByHand = existsSync(record) && statSync(record).mtimeMs >= statSync(lock).mtimeMs;
  if (!installedByHand || !Object.values(tools).every((tool) => existsSync(tool))) {
    await step('installing packages (npm ci)', async () => {
      const npm = process.env.npm_execpath;
      const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
      if (npm?.endsWith('.js')) await node([npm, ...args]);
      else await run('npm', args);
    });
  }
  writeFileSync(stamp, wanted);
};

const build = async () => {
  const stamp = at('dist', '.sources.sha256');
  const config = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'].map((file) => at(file));
  const wanted = digest([...filesOf(at('src')), ...config]);
  if (read(stamp) === wanted) return;
  await step('compiling src/ into dist/', async () => {
    // Beside and renamed into place: nothing half done, and nothing left of sources that are gone.
    const fresh = at(`.dist-${process.pid}`);
    const old = at(`.dist-${process.pid}-old`);
    try {
      await node([tools.tsc, '-p', 'tsconfig.build.json', '--outDir', fresh]);
      chmodSync(join(fresh, 'cli', 'main.js'), 0o755);
      writeFileSync(join(fresh, '.sources.sha256'), wanted);
      if (existsSync(at('dist'))) renameSync(at('dist'), old);
      renameSync(fresh, at('dist'));
    } finally {
      for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
    }
  });
};

/** What the tests run on; without TensorFlow they use WASM, without ffmpeg they cannot run. */
const setUp = async () => {
  const load = (...parts) => import(pathToFileURL(at('dist', ...parts)).href);
  const { ensureKernels, ensureRuntime } = await load('tensor', 'setup', 'index.js');
  const { ensureFfmpeg } = await load('video', 'ffmpeg.js');
  const addon = await ensureRuntime({ report: say });
  if (addon !== null) await ensureKernels({ addon, report: say });
  await ensureFfmpeg({ report: say });
};

/** Style; imports against the order of the folders, and circles; files, exports and packages that nobody uses. */
const lint = async () => {
  await step('checking style', () => node([tools.biome, 'check']));
  await step('checking imports', () => node([tools.depcruise, 'src', 'bench', 'scripts']));
  await step('looking for what nobody uses', () => node([tools.knip]));
};

const test = async (args) => {
  await step('checking types', () => node([tools.tsc, '--noEmit']));
  await lint();
  await setUp();
  await node([tools.vitest, 'run', ...args]);
};

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  say('Usage: node scripts/bootstrap.mjs COMMAND [ARGS]');
  process.exit(2);
}
try {
  await install();
  await build();
  if (command === 'test') await test(args);
  else if (command === 'lint') await lint();
  else if (command !== 'build') await node([at('dist', 'cli', 'main.js'), command, ...args]);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.exitCode = error.exitCode;
}
