/**
 * One of several processes that join each other and say what each of their common calls gives: `RANK HOSTS DIST [stuck]`,
 * where the last one never comes back.
 */
const [rank, hosts, dist, stuck] = process.argv.slice(2);
const { startRuntime } = await import(`${dist}/tensor/runtime.js`);
const { clusterGroup } = await import(`${dist}/parallel/cluster-group.js`);
const { barrier, gatherJson, sumOver } = await import(`${dist}/parallel/gather.js`);
const { downloadFloats, upload } = await import(`${dist}/tensor/ops.js`);
const { keep, scope } = await import(`${dist}/tensor/tensor.js`);

const cluster = { hosts: hosts.split(','), rank: Number(rank), joinTimeout: 60, heartbeat: 10, communication: 'ring' };
if (stuck !== undefined) cluster.stepTimeout = 1;
const backend = await startRuntime({ report: () => {}, cluster });
const group = clusterGroup(backend.collectives);

if (stuck !== undefined) {
  await barrier(group);
  for (; group.rank === group.size - 1; );
  try {
    await barrier(group);
  } catch (error) {
    process.stderr.write(`${error.code}: ${error.message}\n`);
    process.exit(3);
  }
}
const made = (shape, seed) =>
  scope(() => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    return keep(
      upload(
        Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1000 * seed)),
        shape,
      ),
    );
  });
const said = { rank: group.rank, size: group.size };
said.gathered = (
  await group.gather(Float64Array.from({ length: 3 + 20 * group.rank }, (_, i) => Math.PI * 10 ** -i + group.rank))
).map((values) => [...values]);
said.none = (await group.gather(new Float64Array(0))).map(({ length }) => length);
said.json = await gatherJson(group, { rank: group.rank, text: 'é日'.repeat(1 + 50 * group.rank) });
said.sums = await sumOver(group, [0.1, group.rank]);
const large = Float32Array.from({ length: 4_000_100 }, (_, i) => (group.rank === 0 ? Math.cos(i) : 0));
large[7] = group.rank === 0 ? -0 : 1;
await group.broadcast(large);
said.broadcast = await digestOf([large]);
said.negativeZero = Object.is(large[7], -0);
const before = backend.liveTensors();
const shapes = [[2, 3], [7], [1500, 1501], [1999, 1501], [1]];
const names = shapes.map((_, i) => `w${i}`);
const gradients = new Map(names.map((name, i) => [name, made(shapes[i], 10 * i + group.rank)]));
await group.sumGradients(names, gradients);
said.shapes = [...gradients.values()].map(({ shape }) => [...shape]);
said.gradients = [...gradients.values()].map((tensor) => {
  const values = downloadFloats(tensor);
  return [values[0], values[values.length >> 1], values.at(-1)];
});
said.digest = await digestOf([...gradients.values()].map(downloadFloats));
for (const tensor of gradients.values()) tensor.dispose();
said.left = backend.liveTensors() - before;
await barrier(group);
process.stdout.write(`${JSON.stringify(said)}\n`);
await group.close();

async function digestOf(arrays) {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}
