#pragma once
#include "shuffle.h"

namespace {

template <class T>
INLINE Vec exponentials_of(const T* z, int64_t j, int64_t V, float scale, float shift) {
  Vec weight = exp(load(z + j, V - j) * scale - shift);
  for (int64_t i = V - j; i < LANES; i++) weight[i] = 0;
  return weight;
}

template <class T>
void draw(const Draw& d, int64_t row, float* p) {
  const T* z = static_cast<const T*>(d.logits) + row * d.V;
  Vec best = splat(-__builtin_inff());
  for (int64_t j = 0; j < d.V; j += LANES) {
    Vec value = load(z + j, d.V - j) * d.scale;
    for (int64_t i = d.V - j; i < LANES; i++) value[i] = -__builtin_inff();
    best = maximum(best, value);
  }
  const float shift = largest(best);
  Vec all = {};
  for (int64_t j = 0; j < d.V; j += LANES) {
    const Vec weight = exponentials_of(z, j, d.V, d.scale, shift);
    store(p + j, weight, d.V - j);
    all += weight;
  }
  for (int64_t i = 0; i < d.count; i++) p[d.forbidden[i]] = 0;
  double total = 0;
  for (int64_t j = 0; j < d.V; j += LANES) total += sum(load(p + j, d.V - j));
  const double threshold = d.uniforms[row] * total;
  double before = 0;
  int64_t token = -1;
  for (int64_t j = 0; j < d.V; j += LANES) {
    const double here = sum(load(p + j, d.V - j));
    if (before + here > threshold) {
      for (int64_t i = j; i < smaller(d.V, j + LANES); i++) {
        if (p[i] > 0) token = i;
        before += p[i];
        if (before > threshold) break;
      }
      break;
    }
    before += here;
  }
  // Rounding can leave the threshold at the very end, and NaN compares with nothing: the last token that has a chance.
  for (int64_t i = d.V - 1; token < 0 && i >= 0; i--)
    if (p[i] > 0 || i == 0) token = i;
  d.tokens[row] = static_cast<int32_t>(token);
  d.logprobs[row] = load(z + token, 1)[0] * d.scale - shift - __builtin_logf(sum(all));
}

}  // namespace
