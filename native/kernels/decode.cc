// Attention of one more token of each completion.
#include "decode.h"

#include <algorithm>

#include "op.h"
#include "parallel.h"

namespace {

template <class T>
void run_attention(Decode d) {
  std::vector<float> queries(d.M * d.KV * d.R * d.D);
  d.queries = queries.data();
  work<T>().enter(d);
  // Prompts' keys and values are read once a task: few tasks, but enough for all threads.
  const int64_t heads = d.M / d.G * d.KV, all = d.G * d.R;
  const int64_t wanted =
      std::max<int64_t>((2 * threads() + heads - 1) / heads, (all + MANY_QUERIES - 1) / MANY_QUERIES);
  const int64_t count = (std::max<int64_t>((all + wanted - 1) / wanted, 1) + 7) / 8 * 8,
                pieces = (all + count - 1) / count;
  parallel_for(heads * pieces, 1, [&](int64_t begin, int64_t end) {
    thread_local std::vector<float> buffer;
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task % pieces * count, some = std::min(count, all - first);
      buffer.resize(std::max<size_t>(buffer.size(), work<T>().attend_room(d, some)));
      work<T>().attend(d, task / pieces, first, some, buffer.data());
    }
  });
}

}  // namespace

void run_decode_attention(float, const Decode& d) { run_attention<float>(d); }
void run_decode_attention(bfloat16, const Decode& d) { run_attention<bfloat16>(d); }

Decode decode_of(Context& context, int64_t M, int biases, int rotary, int scale) {
  enum { SCALE, PROMPT_K, PROMPT_V, OWN_K, OWN_V, LENGTHS, OPTIONS };
  Numbers options = context.numbers(scale + OPTIONS);
  Decode d = {};
  d.M = M, d.KV = options.next(1), d.R = options.next(1), d.G = options.next(1), d.t = options.next();
  options.end();
  const int64_t B = M / d.G, groups = times({B, d.KV});
  check(B * d.G == M, "the rows are not whole groups of completions");

  const Array& prompt_v = context.input(scale + PROMPT_V, {groups, ANY, SOME});
  d.P = prompt_v.shape[1], d.D = prompt_v.shape[2];
  check(d.D <= MAX_HEAD && d.D % 2 == 0, "heads of more than 1024 or an odd number of dimensions");
  d.prompt_k = context.input(scale + PROMPT_K, {groups, d.D, d.P}).as<void>(), d.prompt_v = prompt_v.as<void>();
  const Array& own_k = context.input(scale + OWN_K, {times({groups, d.G}), ANY, d.D});
  d.own_k = own_k.as<void>(), d.own_v = context.input(scale + OWN_V, own_k.shape).as<void>();
  d.capacity = own_k.shape[1];
  check(d.t < d.capacity, "the cache of the completions is full");
  d.lengths = context.integers(scale + LENGTHS, B, d.P, "lengths has more keys than the prompts");

  const int64_t keys = times({d.KV, d.D}), heads = times({keys, d.R});
  d.q_bias = context.optional(biases, {heads}).as<float>();
  d.k_bias = context.optional(biases + 1, {keys}).as<float>();
  d.v_bias = context.optional(biases + 2, {keys}).as<float>();
  d.cos = context.input(rotary, {M, d.D}).as<float>(), d.sin = context.input(rotary + 1, {M, d.D}).as<float>();
  d.scale = context.scalar(scale);
  return d;
}

namespace {

enum { Q, K, V, Q_BIAS, COS = 6, SCALE = 8 };

template <class T>
void decode_attention(Context& context) {
  const int64_t M = context.input(Q, {ANY, ANY}).shape[0];
  Decode d = decode_of(context, M, Q_BIAS, COS, SCALE);
  const int64_t keys = d.KV * d.D, heads = keys * d.R;
  d.q = context.input(Q, {M, heads}).as<void>();
  d.k = context.input(K, {M, keys}).as<void>(), d.v = context.input(V, {M, keys}).as<void>();
  d.y = context.output<T>(0, {M, heads}).template as<void>();
  run_decode_attention(T{}, d);
}

}  // namespace

void register_decode() {
  register_op<decode_attention<float>, decode_attention<bfloat16>>(
      {"VauDecodeAttention",
       {},
       {"q: T", "k: T", "v: T", "q_bias: float", "k_bias: float", "v_bias: float", "cos: float", "sin: float",
        "scale: float", "prompt_k: T", "prompt_v: T", "own_k: T", "own_v: T", "lengths: int32", "options: int32"},
       {"y: T"}});
}
