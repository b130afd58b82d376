// SwiGLU, GELU after a bias, additions and column sums, a row after the other.
#include "decode_layer.h"
#include "op.h"
#include "parallel.h"

namespace {

// Elements of a piece of work: one pass over 64 to 192 KiB.
constexpr int64_t PIECE = 16384;

template <class T>
INLINE void swiglu_some(const void* gate, const void* up, void* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += LANES) {
    Vec g = load(static_cast<const T*>(gate) + i, end - i);
    store(static_cast<T*>(y) + i, g * sigmoid(g) * load(static_cast<const T*>(up) + i, end - i), end - i);
  }
}
}  // namespace

CLONES void swiglu_of(float, const void* g, const void* u, void* y, int64_t b, int64_t e) {
  swiglu_some<float>(g, u, y, b, e);
}
CLONES void swiglu_of(bfloat16, const void* g, const void* u, void* y, int64_t b, int64_t e) {
  swiglu_some<bfloat16>(g, u, y, b, e);
}

namespace {

template <class T>
void swiglu(Context& context) {
  const Array& gate = context.any(0);
  const Array& up = context.input(1, gate.shape);
  const Array& y = context.output<T>(0, gate.shape);
  const void *g = gate.as<void>(), *u = up.as<void>();
  void* to = y.as<void>();
  parallel_for(gate.size, PIECE, [&](int64_t b, int64_t e) { swiglu_of(T{}, g, u, to, b, e); });
}

struct SwigluGradient {
  const void *gate, *up, *d;
  void *d_gate, *d_up, *y;
};

// silu′(g) = σ(g) (1 + g (1 − σ(g)))
template <class T>
INLINE void swiglu_gradient_some(const SwigluGradient& s, int64_t begin, int64_t end) {
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
CLONES void swiglu_gradient_of(float, const SwigluGradient& s, int64_t b, int64_t e) {
  swiglu_gradient_some<float>(s, b, e);
}
CLONES void swiglu_gradient_of(bfloat16, const SwigluGradient& s, int64_t b, int64_t e) {
  swiglu_gradient_some<bfloat16>(s, b, e);
}

template <class T>
void swiglu_gradient(Context& context) {
  const Array& gate = context.any(0);
  const Array &up = context.input(1, gate.shape), &d = context.input(2, gate.shape);
  const Array &d_gate = context.output<T>(0, gate.shape), &d_up = context.output<T>(1, gate.shape),
              &y = context.output<T>(2, gate.shape);
  const SwigluGradient job = {gate.as<void>(),            up.as<void>(),            d.as<void>(),
                              d_gate.as<void>(), d_up.as<void>(), y.as<void>()};
  parallel_for(gate.size, PIECE, [&](int64_t b, int64_t e) { swiglu_gradient_of(T{}, job, b, e); });
}

constexpr float QUICK = 1.702f;

struct Gelu {
  const void* x;
  const float* bias;
  const void* d;
  void *dx, *y;
  int64_t width;
};

// y = z σ(1.702 z) with z = x + bias; dx = d · (σ + 1.702 z σ (1 − σ)) where d is given.
template <class T>
INLINE void quick_gelu_rows(const Gelu& g, int64_t begin, int64_t end) {
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
CLONES void quick_gelu_of(float, const Gelu& g, int64_t b, int64_t e) { quick_gelu_rows<float>(g, b, e); }
CLONES void quick_gelu_of(bfloat16, const Gelu& g, int64_t b, int64_t e) { quick_gelu_rows<bfloat16>(g, b, e); }

template <class T>
void quick_gelu(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const Array& bias = context.input(1, {x.shape[1]});
  const Array& y = context.output<T>(0, x.shape);
  const Gelu job = {x.as<void>(), bias.as<float>(), nullptr, nullptr, y.as<void>(), x.shape[1]};
  parallel_for(x.shape[0], 1 + PIECE / job.width, [&](int64_t b, int64_t e) { quick_gelu_of(T{}, job, b, e); });
}

template <class T>
void quick_gelu_gradient(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const Array &bias = context.input(1, {x.shape[1]}), &d = context.input(2, x.shape);
  const Array &dx = context.output<T>(0, x.shape), &y = context.output<T>(1, x.shape);
  const Gelu job = {x.as<void>(),           bias.as<float>(),      d.as<void>(),
                    dx.as<void>(), y.as<void>(), x.shape[1]};
  parallel_for(x.shape[0], 1 + PIECE / job.width, [&](int64_t b, int64_t e) { quick_gelu_of(T{}, job, b, e); });
}

template <class T>
INLINE void add_rows(const Addition& a, int64_t begin, int64_t end) {
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
}  // namespace

CLONES void add_of(float, const Addition& a, int64_t b, int64_t e) { add_rows<float>(a, b, e); }
CLONES void add_of(bfloat16, const Addition& a, int64_t b, int64_t e) { add_rows<bfloat16>(a, b, e); }

namespace {

template <class T>
void add(Context& context) {
  const Array& delta = context.input(1, {ANY, SOME});
  const Array &x = context.optional(0, delta.shape), &bias = context.optional(2, {delta.shape[1]});
  const Array& y = context.output<float>(0, delta.shape);
  const Addition job = {x.as<float>(), bias.as<float>(), delta.as<void>(), y.as<float>(), delta.shape[1]};
  parallel_for(delta.shape[0], 1 + PIECE / job.width, [&](int64_t b, int64_t e) { add_of(T{}, job, b, e); });
}

template <class T>
INLINE void sum_columns(const void* x, float* y, int64_t rows, int64_t width, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; j += LANES) {
    Vec total = {};
    for (int64_t row = 0; row < rows; row++) total += load(static_cast<const T*>(x) + row * width + j, width - j);
    store(y + j, total, width - j);
  }
}
CLONES void sum_columns_of(float, const void* x, float* y, int64_t rows, int64_t width, int64_t b, int64_t e) {
  sum_columns<float>(x, y, rows, width, b, e);
}
CLONES void sum_columns_of(bfloat16, const void* x, float* y, int64_t rows, int64_t width, int64_t b, int64_t e) {
  sum_columns<bfloat16>(x, y, rows, width, b, e);
}

template <class T>
void column_sum(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t rows = x.shape[0], width = x.shape[1];
  const Array& y = context.output<float>(0, {width});
  const void* from = x.as<void>();
  float* to = y.as<float>();
  parallel_for(width, 8 * LANES, [&](int64_t b, int64_t e) { sum_columns_of(T{}, from, to, rows, width, b, e); });
}

}  // namespace

void register_activations() {
  register_op<swiglu<float>, swiglu<bfloat16>>({"VauSwiglu", {}, {"gate: T", "up: T"}, {"y: T"}});
  register_op<swiglu_gradient<float>, swiglu_gradient<bfloat16>>(
      {"VauSwigluGradient", {}, {"gate: T", "up: T", "d: T"}, {"d_gate: T", "d_up: T", "y: T"}});
  register_op<quick_gelu<float>, quick_gelu<bfloat16>>({"VauQuickGelu", {}, {"x: T", "bias: float"}, {"y: T"}});
  register_op<quick_gelu_gradient<float>, quick_gelu_gradient<bfloat16>>(
      {"VauQuickGeluGradient", {}, {"x: T", "bias: float", "d: T"}, {"dx: T", "y: T"}});
  register_op<add<float>, add<bfloat16>>({"VauAdd", {}, {"x: float", "delta: T", "bias: float"}, {"y: float"}});
  register_op<column_sum<float>, column_sum<bfloat16>>({"VauColumnSum", {}, {"x: T"}, {"y: float"}});
}
