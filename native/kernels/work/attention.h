#pragma once
#include "shuffle.h"

namespace {

INLINE int64_t seen_of_prompt(const Attention& a, int64_t row) { return a.P == 0 ? 0 : a.lengths[row / a.n / a.KV]; }
INLINE int64_t seen_of_own(const Attention& a, int64_t row) {
  return a.causal ? smaller(a.K, a.starts[row / a.n / a.KV] + row % a.n / a.R % a.C + 1) : a.K;
}

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
  for (; j < seen; j++) largest_seen = larger(largest_seen, load(x + j, 1)[0]);
  return largest_seen;
}

template <class T>
INLINE void scaled(const float* x, T* y, int64_t seen, int64_t width, float factor) {
  for (int64_t j = 0; j < seen; j += LANES) store(y + j, load(x + j, seen - j) * factor, seen - j);
  fill(y + seen, y + width, T{});
}

// The weights of p scores and o others, not yet divided by their sum, as float32; returns one over the sum.
template <class T>
INLINE float joint_weights(const T* prompt, int64_t p, const T* own, int64_t o, float* on_prompt, float* on_own) {
  const float shift = larger(maximum_of(prompt, p), maximum_of(own, o));
  return 1.0f / sum(exponentials(prompt, on_prompt, p, shift) + exponentials(own, on_own, o, shift));
}

template <class T>
INLINE float row_weights(const Attention& a, int64_t row, float* on_prompt, float* on_own) {
  const T* prompt = static_cast<const T*>(a.prompt) + row * a.P;
  const T* own = static_cast<const T*>(a.own) + row * a.K;
  return joint_weights(prompt, seen_of_prompt(a, row), own, seen_of_own(a, row), on_prompt, on_own);
}

template <class T>
void attention_weights(const Attention& a, const Weights& y, int64_t begin, int64_t end, float* buffer) {
  float *on_prompt = buffer, *on_own = buffer + a.P;
  for (int64_t row = begin; row < end; row++) {
    const float factor = row_weights<T>(a, row, on_prompt, on_own);
    scaled(on_prompt, static_cast<T*>(y.prompt) + row * a.P, seen_of_prompt(a, row), a.P, factor);
    scaled(on_own, static_cast<T*>(y.own) + row * a.K, seen_of_own(a, row), a.K, factor);
  }
}

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
  fill(weights + seen, weights + width, T{});
  fill(ds + seen, ds + width, T{});
}

template <class T>
void attention_gradient(const Attention& a, const WeightGradient& g, int64_t begin, int64_t end, float* buffer) {
  float *on_prompt = buffer, *on_own = buffer + a.P;
  for (int64_t row = begin; row < end; row++) {
    const float factor = row_weights<T>(a, row, on_prompt, on_own);
    const int64_t p = seen_of_prompt(a, row), o = seen_of_own(a, row), at_p = row * a.P, at_o = row * a.K;
    const T* d_prompt = static_cast<const T*>(g.d_prompt) + at_p;
    const T* d_own = static_cast<const T*>(g.d_own) + at_o;
    const float delta = sum(dot(on_prompt, d_prompt, p) + dot(on_own, d_own, o)) * factor;
    score_gradient(on_prompt, d_prompt, static_cast<T*>(g.weights.prompt) + at_p,
                   static_cast<T*>(g.scores.prompt) + at_p, p, a.P, factor, delta);
    score_gradient(on_own, d_own, static_cast<T*>(g.weights.own) + at_o, static_cast<T*>(g.scores.own) + at_o, o, a.K,
                   factor, delta);
  }
}

}  // namespace
