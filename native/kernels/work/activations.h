#pragma once
#include "vec.h"

namespace {

template <class T>
void swiglu(const void* gate, const void* up, void* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += LANES) {
    Vec g = load(static_cast<const T*>(gate) + i, end - i);
    store(static_cast<T*>(y) + i, g * sigmoid(g) * load(static_cast<const T*>(up) + i, end - i), end - i);
  }
}

// silu′(g) = σ(g) (1 + g (1 − σ(g)))
template <class T>
void swiglu_gradient(const SwigluGradient& s, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t left = end - i;
    Vec g = load(static_cast<const T*>(s.gate) + i, left), u = load(static_cast<const T*>(s.up) + i, left);
    Vec d = load(static_cast<const T*>(s.d) + i, left);
    Vec p = sigmoid(g);
    Vec silu = g * p;
    store(static_cast<T*>(s.d_gate) + i, d * u * (p + silu * (1.0f - p)), left);
    store(static_cast<T*>(s.d_up) + i, d * silu, left);
    store(static_cast<T*>(s.y) + i, silu * u, left);
  }
}

constexpr float QUICK = 1.702f;

// y = z σ(1.702 z) with z = x + bias; dx = d · (σ + 1.702 z σ (1 − σ)) where d is given.
template <class T>
void quick_gelu(const Gelu& g, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++) {
    for (int64_t j = 0; j < g.width; j += LANES) {
      const int64_t at = row * g.width + j, left = g.width - j;
      Vec z = load(static_cast<const T*>(g.x) + at, left) + load(g.bias + j, left);
      Vec p = sigmoid(QUICK * z);
      store(static_cast<T*>(g.y) + at, z * p, left);
      if (g.d == nullptr) continue;
      Vec d = load(static_cast<const T*>(g.d) + at, left);
      store(static_cast<T*>(g.dx) + at, d * (p + QUICK * z * p * (1.0f - p)), left);
    }
  }
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
