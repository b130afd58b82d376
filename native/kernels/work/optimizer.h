#pragma once
#include "shuffle.h"

namespace {

template <class T>
double squares(const void* from, int64_t count) {
  const T* x = static_cast<const T*>(from);
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += 4096) {
    Vec some = {};
    for (int64_t i = begin; i < smaller(count, begin + 4096); i += LANES) {
      const Vec value = load(x + i, count - i);
      some += value * value;
    }
    total += sum(some);
  }
  return total;
}

// PyTorch's order: decay, moments, update.
template <class T>
void adamw(const AdamW& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t left = end - i;
    const Vec g = load(static_cast<const T*>(a.gradient) + i, left) * a.gradient_scale;
    const Vec m = load(a.m + i, left) * a.beta1 + g * (1 - a.beta1);
    const Vec v = load(a.v + i, left) * a.beta2 + g * g * (1 - a.beta2);
    store(a.m + i, m, left);
    store(a.v + i, v, left);
    store(a.value + i, load(a.value + i, left) * a.decay - m * a.step_size / (square_root(v) + a.epsilon), left);
  }
}

}  // namespace
