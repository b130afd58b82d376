// Attention of many queries over two sets of keys (the prompt's and a sequence's own), forward and backward.
#include <algorithm>

#include "floats.h"
#include "op.h"
#include "parallel.h"

namespace {

int64_t padded(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// Matrices `[count, keys, D]` as panels, one after the other: turned, for scores, or as they are, for what scores
// weigh.
template <class T>
Floats panels(const void* x, int64_t count, int64_t keys, int64_t D, bool turned) {
  const int64_t K = turned ? D : keys, N = turned ? keys : D, size = K * padded(N, work<T>().tile.columns);
  Floats packed = floats(count * size);
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    const T* one = static_cast<const T*>(x) + i * keys * D;
    work<T>().pack_panels({nullptr, one, nullptr, 0, N, K, false, turned}, {0, 0, 0, N}, packed.get() + i * size);
  });
  return packed;
}

// The inputs that attention and its gradient have in common, and how its rows are cut into blocks.
struct Call {
  Attended job;
  const Array &prompt_k, &prompt_v, &own_k, &own_v;
  int64_t heads, prompts, sequences, each;  // heads with a prompt; sequences of all heads, and of each
  int64_t rows, blocks;                     // of a block; blocks of a sequence
};

template <class T>
Call call_of(Context& context) {
  Numbers options = context.numbers(7);
  Attended a = {};
  a.KV = options.next(1);
  a.R = options.next(1);
  a.C = options.next(1);
  const bool is_causal = options.flag();
  options.end();
  const Array& q = context.input(0, {ANY, SOME, SOME});
  const int64_t heads = q.shape[0], of_sequence = times({a.C, a.R});
  a.n = q.shape[1];
  a.D = q.shape[2];
  check(a.n % of_sequence == 0, "q does not have whole sequences of C tokens");
  check(heads % a.KV == 0, "q does not have KV heads for each length");
  const int64_t each = a.n / of_sequence, sequences = heads * each;
  const Array& own_k = context.input(3, {sequences, SOME, a.D});
  a.K = own_k.shape[1];
  const Array& own_v = context.input(4, own_k.shape);
  const Array& prompt_k = context.optional(1, {heads, SOME, a.D});
  const Array& prompt_v = context.input(2, prompt_k.shape);
  a.P = prompt_k.size > 0 ? prompt_k.shape[1] : 0;
  a.lengths = a.P == 0 ? context.input(5, {ANY}).as<int32_t>()
                       : context.integers(5, heads / a.KV, a.P, "lengths has more keys than prompt");
  a.starts = context.integers(6, is_causal ? heads / a.KV : 0, INT32_MAX, "starts has a place below 0");
  a.q = q.as<void>();
  const int64_t most = work<T>().attended_rows, even = (of_sequence + most - 1) / most;
  const int64_t rows = std::min(most, padded((of_sequence + even - 1) / even, work<T>().tile.rows));
  const int64_t blocks = (of_sequence + rows - 1) / rows;
  return {a, prompt_k, prompt_v, own_k, own_v, heads, a.P == 0 ? 0 : heads, sequences, each, rows, blocks};
}

template <class T>
void attention(Context& context) {
  Call c = call_of<T>(context);
  Attended& a = c.job;
  a.y = context.output<T>(0, {c.heads, a.n, a.D}).template as<void>();
  const Floats prompt_k = panels<T>(c.prompt_k.as<void>(), c.prompts, a.P, a.D, true),
               prompt_v = panels<T>(c.prompt_v.as<void>(), c.prompts, a.P, a.D, false),
               own_k = panels<T>(c.own_k.as<void>(), c.sequences, a.K, a.D, true),
               own_v = panels<T>(c.own_v.as<void>(), c.sequences, a.K, a.D, false);
  a.prompt_k = prompt_k.get();
  a.prompt_v = prompt_v.get();
  a.own_k = own_k.get();
  a.own_v = own_v.get();
  parallel_for(c.sequences * c.blocks, 1, [&](int64_t piece, int64_t) {
    // The longest first: later blocks of a prompt see more.
    const int64_t i = piece % c.sequences, row = (c.blocks - 1 - piece / c.sequences) * c.rows;
    const Floats buffer = floats(work<T>().attended_room(a));
    work<T>().attend_rows(a, i / c.each, i % c.each, row, std::min(c.rows, a.C * a.R - row), buffer.get());
  });
}

// Sums over the rows of a head are made in up to so many parts, fewer where there are many heads, and each in the order
// of its rows: they do not depend on the number of threads.
constexpr int64_t STRIPS = 8, HEADS = 32;

template <class T>
void attention_gradient(Context& context) {
  Call c = call_of<T>(context);
  Attended& a = c.job;
  const Array& dy = context.input(8, {c.heads, a.n, a.D});
  const Array &dq = context.output<T>(0, dy.shape), &d_prompt_k = context.output<T>(1, c.prompt_k.shape),
              &d_prompt_v = context.output<T>(2, c.prompt_v.shape), &d_own_k = context.output<T>(3, c.own_k.shape),
              &d_own_v = context.output<T>(4, c.own_v.shape);
  const Floats prompt_k = panels<T>(c.prompt_k.as<void>(), c.prompts, a.P, a.D, true),
               prompt_v = panels<T>(c.prompt_v.as<void>(), c.prompts, a.P, a.D, true),
               own_k = panels<T>(c.own_k.as<void>(), c.sequences, a.K, a.D, true),
               own_v = panels<T>(c.own_v.as<void>(), c.sequences, a.K, a.D, true),
               prompt_straight_k = panels<T>(c.prompt_k.as<void>(), c.prompts, a.P, a.D, false),
               own_straight_k = panels<T>(c.own_k.as<void>(), c.sequences, a.K, a.D, false);
  a.prompt_k = prompt_k.get();
  a.prompt_v = prompt_v.get();
  a.own_k = own_k.get();
  a.own_v = own_v.get();
  const AttendedGradient g = {a, dy.as<void>(), prompt_straight_k.get(), own_straight_k.get(), dq.as<void>()};

  // A strip has whole sequences of a head, or every so manieth block of the only one.
  const int64_t most = std::clamp<int64_t>(HEADS / std::max<int64_t>(1, c.heads), 1, STRIPS);
  const int64_t strips = std::min(most, c.each == 1 ? c.blocks : c.each), own_strips = c.each == 1 ? strips : 1;
  const int64_t of_prompt = 2 * a.P * a.D, of_own = 2 * a.K * a.D;
  const Floats prompts = floats(c.heads * strips * of_prompt), owns = floats(c.sequences * own_strips * of_own);
  parallel_for(c.heads * strips, 1, [&](int64_t piece, int64_t) {
    const int64_t head = piece / strips, strip = piece % strips;
    const Floats buffer = floats(work<T>().attended_gradient_room(a));
    float* const d_prompt = prompts.get() + piece * of_prompt;
    std::fill_n(d_prompt, of_prompt, 0.0f);
    const int64_t begin = c.each * strip / strips, end = c.each == 1 ? 1 : c.each * (strip + 1) / strips;
    for (int64_t sequence = c.each == 1 ? 0 : begin; sequence < end; sequence++) {
      float* const d_own = owns.get() + ((head * c.each + sequence) * own_strips + (c.each == 1 ? strip : 0)) * of_own;
      std::fill_n(d_own, of_own, 0.0f);
      for (int64_t block = c.each == 1 ? strip : 0; block < c.blocks; block += own_strips) {
        const int64_t row = block * c.rows;
        work<T>().attend_rows_gradient(g, head, sequence, row, std::min(c.rows, a.C * a.R - row), d_prompt, d_own,
                                       buffer.get());
      }
    }
  });
  // Arrays of keys and values by turns.
  const auto put = [&](const Floats& parts, int64_t matrices, int64_t count, int64_t size, const Array& k,
                       const Array& v) {
    parallel_for(2 * matrices, 1, [&](int64_t i, int64_t) {
      T* const to = (i % 2 == 0 ? k : v).template as<T>() + i / 2 * size;
      work<T>().sum_arrays(parts.get() + (i / 2 * count * 2 + i % 2) * size, count, 2 * size, to, 0, size);
    });
  };
  put(prompts, c.prompts, strips, a.P * a.D, d_prompt_k, d_prompt_v);
  put(owns, c.sequences, own_strips, a.K * a.D, d_own_k, d_own_v);
}

}  // namespace

void register_attended() {
  register_op<attention<float>, attention<bfloat16>>({"VauAttention",
                                                      {},
                                                      {"q: T", "prompt_k: T", "prompt_v: T", "own_k: T", "own_v: T",
                                                       "lengths: int32", "starts: int32", "options: int32"},
                                                      {"y: T"}});
  register_op<attention_gradient<float>, attention_gradient<bfloat16>>(
      {"VauAttentionGradient",
       {},
       {"q: T", "prompt_k: T", "prompt_v: T", "own_k: T", "own_v: T", "lengths: int32", "starts: int32",
        "options: int32", "dy: T"},
       {"dq: T", "d_prompt_k: T", "d_prompt_v: T", "d_own_k: T", "d_own_v: T"}});
}
