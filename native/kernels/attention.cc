// The softmax of attention over two sets of keys at once (the prompt's and a sequence's own), and its gradient.
#include "op.h"
#include "parallel.h"

namespace {

// The inputs that the weights and their gradient have in common.
struct Scores {
  const Array &prompt, &own;
  Attention job;
  int64_t rows;
};

Scores scores_of(Context& context) {
  Numbers options = context.numbers(4);
  Attention a = {};
  a.n = options.next(1);
  a.KV = options.next(1);
  a.R = options.next(1);
  a.C = options.next(1);
  a.causal = options.flag();
  options.end();
  const Array& own = context.input(1, {ANY, ANY, SOME});
  a.own = own.as<void>();
  a.K = own.shape[2];
  const int64_t rows = own.size / a.K, heads = rows / a.n;
  check(heads * a.n == rows, "own does not have whole heads of n rows");
  const Array& prompt = context.optional(0, {heads, a.n, ANY});
  a.prompt = prompt.as<void>();
  if (prompt.size > 0) {
    a.P = prompt.shape[2];
    check(heads % a.KV == 0, "prompt does not have KV heads for each length");
    a.lengths = context.integers(2, heads / a.KV, a.P, "lengths has more keys than prompt");
  }
  if (a.causal) {
    check(heads % a.KV == 0, "own does not have KV heads for each start");
    a.starts = context.integers(3, heads / a.KV, INT32_MAX, "starts has a place below 0");
  }
  return {prompt, own, a, rows};
}

constexpr int64_t PIECE = 16384;

// work(begin, end, buffer) on the rows of an attention.
template <class Work>
void each_row(const Attention& a, int64_t rows, const Work& work) {
  parallel_for(rows, 1 + PIECE / (a.P + a.K), [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(a.P + a.K);
    work(begin, end, buffer.data());
  });
}

template <class T>
void weights(Context& context) {
  const Scores s = scores_of(context);
  const Array &y_prompt = context.output<T>(0, s.prompt.shape), &y_own = context.output<T>(1, s.own.shape);
  const Weights y = {y_prompt.as<void>(), y_own.as<void>()};
  each_row(s.job, s.rows,
           [&](int64_t b, int64_t e, float* buffer) { work<T>().attention_weights(s.job, y, b, e, buffer); });
}

template <class T>
void weights_gradient(Context& context) {
  const Scores s = scores_of(context);
  const Array &d_prompt = context.input(5, s.prompt.shape), &d_own = context.input(6, s.own.shape);
  const Array &y_prompt = context.output<T>(0, s.prompt.shape), &y_own = context.output<T>(1, s.own.shape),
              &ds_prompt = context.output<T>(2, s.prompt.shape), &ds_own = context.output<T>(3, s.own.shape);
  const WeightGradient g = {d_prompt.as<void>(),
                            d_own.as<void>(),
                            {y_prompt.as<void>(), y_own.as<void>()},
                            {ds_prompt.as<void>(), ds_own.as<void>()}};
  each_row(s.job, s.rows,
           [&](int64_t b, int64_t e, float* buffer) { work<T>().attention_gradient(s.job, g, b, e, buffer); });
}

}  // namespace

void register_attention() {
  register_op<weights<float>, weights<bfloat16>>(
      {"VauAttentionWeights",
       {},
       {"prompt: T", "own: T", "lengths: int32", "starts: int32", "options: int32"},
       {"on_prompt: T", "on_own: T"}});
  register_op<weights_gradient<float>, weights_gradient<bfloat16>>(
      {"VauAttentionWeightsGradient",
       {},
       {"prompt: T", "own: T", "lengths: int32", "starts: int32", "options: int32", "d_prompt: T", "d_own: T"},
       {"on_prompt: T", "on_own: T", "ds_prompt: T", "ds_own: T"}});
}
