// SwiGLU, GELU after a bias, additions and column sums, a row after the other.
#include "op.h"
#include "parallel.h"

namespace {

// Elements of a piece of work: one pass over 64 to 192 KiB.
constexpr int64_t PIECE = 16384;

template <class T>
void swiglu(Context& context) {
  const Array& gate = context.any(0);
  const Array& up = context.input(1, gate.shape);
  const Array& y = context.output<T>(0, gate.shape);
  const void *g = gate.as<void>(), *u = up.as<void>();
  void* to = y.as<void>();
  parallel_for(gate.size, PIECE, [&](int64_t b, int64_t e) { work<T>().swiglu(g, u, to, b, e); });
}

template <class T>
void swiglu_gradient(Context& context) {
  const Array& gate = context.any(0);
  const Array &up = context.input(1, gate.shape), &d = context.input(2, gate.shape);
  const Array &d_gate = context.output<T>(0, gate.shape), &d_up = context.output<T>(1, gate.shape),
              &y = context.output<T>(2, gate.shape);
  const SwigluGradient job = {gate.as<void>(),   up.as<void>(),   d.as<void>(),
                              d_gate.as<void>(), d_up.as<void>(), y.as<void>()};
  parallel_for(gate.size, PIECE, [&](int64_t b, int64_t e) { work<T>().swiglu_gradient(job, b, e); });
}

template <class T>
void quick_gelu(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const Array& bias = context.input(1, {x.shape[1]});
  const Array& y = context.output<T>(0, x.shape);
  const Gelu job = {x.as<void>(), bias.as<float>(), nullptr, nullptr, y.as<void>(), x.shape[1]};
  parallel_for(x.shape[0], 1 + PIECE / job.width, [&](int64_t b, int64_t e) { work<T>().quick_gelu(job, b, e); });
}

template <class T>
void quick_gelu_gradient(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const Array &bias = context.input(1, {x.shape[1]}), &d = context.input(2, x.shape);
  const Array &dx = context.output<T>(0, x.shape), &y = context.output<T>(1, x.shape);
  const Gelu job = {x.as<void>(), bias.as<float>(), d.as<void>(), dx.as<void>(), y.as<void>(), x.shape[1]};
  parallel_for(x.shape[0], 1 + PIECE / job.width, [&](int64_t b, int64_t e) { work<T>().quick_gelu(job, b, e); });
}

template <class T>
void add(Context& context) {
  const Array& delta = context.input(1, {ANY, SOME});
  const Array &x = context.optional(0, delta.shape), &bias = context.optional(2, {delta.shape[1]});
  const Array& y = context.output<float>(0, delta.shape);
  const Addition job = {x.as<float>(), bias.as<float>(), delta.as<void>(), y.as<float>(), delta.shape[1]};
  parallel_for(delta.shape[0], 1 + PIECE / job.width, [&](int64_t b, int64_t e) { work<T>().add(job, b, e); });
}

template <class T>
void column_sum(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t rows = x.shape[0], width = x.shape[1];
  const Array& y = context.output<float>(0, {width});
  const ColumnSum job = {x.as<void>(), y.as<float>(), rows, width};
  parallel_for(width, 128, [&](int64_t b, int64_t e) { work<T>().sum_columns(job, b, e); });
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
