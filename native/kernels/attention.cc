// The softmax of attention over two sets of keys at once (the prompt's and a sequence's own), and its gradient.
#include <algorithm>

#include "op.h"
#include "parallel.h"

namespace {

// Rows are queries: H heads of n rows each. Row i of a head belongs to token (i / R) mod C of its sequence, which sees
// `start` + that + 1 of its own keys where attention is causal, and all of its prompt's.
struct Attention {
  const void *prompt, *own;
  const int32_t* lengths;
  int64_t n, P, K, KV, R, C, start;
  bool causal;

  INLINE int64_t seen_of_prompt(int64_t row) const { return P == 0 ? 0 : lengths[row / n / KV]; }
  INLINE int64_t seen_of_own(int64_t row) const {
    return causal ? std::min(K, start + row % n / R % C + 1) : K;
  }
};

// exp(x − shift) of the first `seen` elements as float32 into y; returns their sum in lanes.
template <class T>
INLINE Vec exponentials(const T* x, float* y, int64_t seen, float shift) {
  Vec total = {};
  int64_t j = 0;
  for (; j + LANES <= seen; j += LANES) {
    Vec value = exp(load(x + j) - shift);
    store(y + j, value);
    total += value;
  }
  if (j < seen) {
    Vec value = exp(load(x + j, seen - j) - shift);
    for (int i = seen - j; i < LANES; i++) value[i] = 0;
    store(y + j, value, seen - j);
    total += value;
  }
  return total;
}

template <class T>
INLINE float maximum_of(const T* x, int64_t seen) {
  Vec best = splat(-3.0e38f);
  int64_t j = 0;
  for (; j + LANES <= seen; j += LANES) best = maximum(best, load(x + j));
  float largest_seen = largest(best);
  for (; j < seen; j++) largest_seen = std::max(largest_seen, load(x + j, 1)[0]);
  return largest_seen;
}

template <class T>
INLINE void scaled(const float* x, T* y, int64_t seen, int64_t width, float factor) {
  for (int64_t j = 0; j < seen; j += LANES) store(y + j, load(x + j, seen - j) * factor, seen - j);
  std::fill(y + seen, y + width, T{});
}

// The weights of one row, not yet divided by their sum, as float32; returns one over the sum.
template <class T>
INLINE float row_weights(const Attention& a, int64_t row, float* on_prompt, float* on_own) {
  const T* prompt = static_cast<const T*>(a.prompt) + row * a.P;
  const T* own = static_cast<const T*>(a.own) + row * a.K;
  const int64_t p = a.seen_of_prompt(row), o = a.seen_of_own(row);
  const float shift = std::max(maximum_of(prompt, p), maximum_of(own, o));
  return 1.0f / sum(exponentials(prompt, on_prompt, p, shift) + exponentials(own, on_own, o, shift));
}

struct Weights {
  void *prompt, *own;
};

template <class T>
INLINE void weight_rows(const Attention& a, const Weights& y, int64_t begin, int64_t end, float* buffer) {
  float *on_prompt = buffer, *on_own = buffer + a.P;
  for (int64_t row = begin; row < end; row++) {
    const float factor = row_weights<T>(a, row, on_prompt, on_own);
    scaled(on_prompt, static_cast<T*>(y.prompt) + row * a.P, a.seen_of_prompt(row), a.P, factor);
    scaled(on_own, static_cast<T*>(y.own) + row * a.K, a.seen_of_own(row), a.K, factor);
  }
}
CLONES void weights_of(float, const Attention& a, const Weights& y, int64_t b, int64_t e, float* buffer) {
  weight_rows<float>(a, y, b, e, buffer);
}
CLONES void weights_of(bfloat16, const Attention& a, const Weights& y, int64_t b, int64_t e, float* buffer) {
  weight_rows<bfloat16>(a, y, b, e, buffer);
}

struct WeightGradient {
  const void *d_prompt, *d_own;
  Weights weights, scores;
};

template <class T>
INLINE Vec dot(const float* p, const T* d, int64_t seen) {
  Vec total = {};
  for (int64_t j = 0; j < seen; j += LANES) total += load(p + j, seen - j) * load(d + j, seen - j);
  return total;
}

// ds = p (dp − Σ p dp)
template <class T>
INLINE void score_gradient(const float* p, const T* d, T* weights, T* ds, int64_t seen, int64_t width, float factor,
                           float delta) {
  for (int64_t j = 0; j < seen; j += LANES) {
    Vec weight = load(p + j, seen - j) * factor;
    store(weights + j, weight, seen - j);
    store(ds + j, weight * (load(d + j, seen - j) - delta), seen - j);
  }
  std::fill(weights + seen, weights + width, T{});
  std::fill(ds + seen, ds + width, T{});
}

template <class T>
INLINE void gradient_rows(const Attention& a, const WeightGradient& g, int64_t begin, int64_t end, float* buffer) {
  float *on_prompt = buffer, *on_own = buffer + a.P;
  for (int64_t row = begin; row < end; row++) {
    const float factor = row_weights<T>(a, row, on_prompt, on_own);
    const int64_t p = a.seen_of_prompt(row), o = a.seen_of_own(row), at_p = row * a.P, at_o = row * a.K;
    const T* d_prompt = static_cast<const T*>(g.d_prompt) + at_p;
    const T* d_own = static_cast<const T*>(g.d_own) + at_o;
    const float delta = sum(dot(on_prompt, d_prompt, p) + dot(on_own, d_own, o)) * factor;
    score_gradient(on_prompt, d_prompt, static_cast<T*>(g.weights.prompt) + at_p,
                   static_cast<T*>(g.scores.prompt) + at_p, p, a.P, factor, delta);
    score_gradient(on_own, d_own, static_cast<T*>(g.weights.own) + at_o, static_cast<T*>(g.scores.own) + at_o, o, a.K,
                   factor, delta);
  }
}
CLONES void gradient_of(float, const Attention& a, const WeightGradient& g, int64_t b, int64_t e, float* buffer) {
  gradient_rows<float>(a, g, b, e, buffer);
}
CLONES void gradient_of(bfloat16, const Attention& a, const WeightGradient& g, int64_t b, int64_t e, float* buffer) {
  gradient_rows<bfloat16>(a, g, b, e, buffer);
}

// The inputs that the weights and their gradient have in common.
struct Scores {
  const Array &prompt, &own;
  Attention job;
  int64_t rows;
};

Scores scores_of(Context& context) {
  Numbers options = context.numbers(3);
  Attention a = {};
  a.n = options.next(1);
  a.KV = options.next(1);
  a.R = options.next(1);
  a.C = options.next(1);
  a.start = options.next();
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
    const Array& lengths = context.input(2, {heads / a.KV});
    a.lengths = lengths.as<int32_t>();
    for (int64_t b = 0; b < lengths.size; b++)
      check(a.lengths[b] >= 0 && a.lengths[b] <= a.P, "lengths has more keys than prompt");
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
  each_row(s.job, s.rows, [&](int64_t b, int64_t e, float* buffer) { weights_of(T{}, s.job, y, b, e, buffer); });
}

template <class T>
void weights_gradient(Context& context) {
  const Scores s = scores_of(context);
  const Array &d_prompt = context.input(4, s.prompt.shape), &d_own = context.input(5, s.own.shape);
  const Array &y_prompt = context.output<T>(0, s.prompt.shape), &y_own = context.output<T>(1, s.own.shape),
              &ds_prompt = context.output<T>(2, s.prompt.shape), &ds_own = context.output<T>(3, s.own.shape);
  const WeightGradient g = {d_prompt.as<void>(),
                            d_own.as<void>(),
                            {y_prompt.as<void>(), y_own.as<void>()},
                            {ds_prompt.as<void>(), ds_own.as<void>()}};
  each_row(s.job, s.rows, [&](int64_t b, int64_t e, float* buffer) { gradient_of(T{}, s.job, g, b, e, buffer); });
}

}  // namespace

void register_attention() {
  register_op<weights<float>, weights<bfloat16>>({"VauAttentionWeights",
                                                  {},
                                                  {"prompt: T", "own: T", "lengths: int32", "options: int32"},
                                                  {"on_prompt: T", "on_own: T"}});
  register_op<weights_gradient<float>, weights_gradient<bfloat16>>(
      {"VauAttentionWeightsGradient",
       {},
       {"prompt: T", "own: T", "lengths: int32", "options: int32", "d_prompt: T", "d_own: T"},
       {"on_prompt: T", "on_own: T", "ds_prompt: T", "ds_own: T"}});
}
