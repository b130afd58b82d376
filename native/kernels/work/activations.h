#pragma once
#include "vec.h"

namespace {

// y = silu(gate) · up; silu′(g) = σ(g) (1 + g (1 − σ(g)))
template <class T>
void swiglu(const Swiglu& s, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    for (int64_t j = 0; j < s.width; j += LANES) {
      const int64_t at = row * s.width + j, left = s.width - j;
      Vec g = load(static_cast<const T*>(s.gate) + at, left), u = load(static_cast<const T*>(s.up) + at, left);
      if (s.gate_bias != nullptr) g += load(s.gate_bias + j, left);
      if (s.up_bias != nullptr) u += load(s.up_bias + j, left);
      Vec p = sigmoid(g);
      Vec silu = g * p;
      store(static_cast<T*>(s.y) + at, silu * u, left);
      if (s.d == nullptr) continue;
      Vec d = load(static_cast<const T*>(s.d) + at, left);
      store(static_cast<T*>(s.d_gate) + at, d * u * (p + silu * (1.0f - p)), left);
      store(static_cast<T*>(s.d_up) + at, d * silu, left);
    }
  }
}

// What the sigmoid is of: 1.702 z, or 2 √(2/π) (z + 0.044715 z³), as σ(2 x) = (1 + tanh x) / 2. And its derivative.
constexpr float QUICK = 1.702f, BY_TANH = 1.5957691216057308f, CUBIC = 0.044715f;

template <bool by_tanh>
INLINE Vec argument(Vec z) {
  return by_tanh ? BY_TANH * (z + CUBIC * z * z * z) : QUICK * z;
}

template <bool by_tanh>
INLINE Vec slope(Vec z) {
  return by_tanh ? BY_TANH * (1.0f + (3 * CUBIC) * z * z) : splat(QUICK);
}

// y = z σ(u(z)) with z = x + bias; dx = d · (σ + u′ z σ (1 − σ)) where d is given.
template <class T, bool by_tanh>
INLINE void gelu_rows(const Gelu& g, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    for (int64_t j = 0; j < g.width; j += LANES) {
      const int64_t at = row * g.width + j, left = g.width - j;
      Vec z = load(static_cast<const T*>(g.x) + at, left) + load(g.bias + j, left);
      Vec p = sigmoid(argument<by_tanh>(z));
      store(static_cast<T*>(g.y) + at, z * p, left);
      if (g.d == nullptr) continue;
      Vec d = load(static_cast<const T*>(g.d) + at, left);
      store(static_cast<T*>(g.dx) + at, d * (p + slope<by_tanh>(z) * z * p * (1.0f - p)), left);
    }
  }
}

template <class T>
void gelu(const Gelu& g, int64_t begin, int64_t end) {
  g.by_tanh ? gelu_rows<T, true>(g, begin, end) : gelu_rows<T, false>(g, begin, end);
}

template <class T>
void add(const Addition& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    for (int64_t j = 0; j < a.width; j += LANES) {
      const int64_t at = row * a.width + j, left = a.width - j;
      Vec value = load(static_cast<const T*>(a.delta) + at, left);
      if (a.x != nullptr) value += load(a.x + at, left);
      if (a.bias != nullptr) value += load(a.bias + j, left);
      store(a.y + at, value, left);
    }
  }
}

template <class T>
void sum_columns(const ColumnSum& c, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; j += LANES) {
    Vec total = {};
    for (int64_t row = 0; row < c.rows; row++)
      total += load(static_cast<const T*>(c.x) + row * c.width + j, c.width - j);
    store(c.y + j, total, c.width - j);
  }
}

}  // namespace
