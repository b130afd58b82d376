// SwiGLU, GELU after a bias, additions and column sums, a row after the other.
#include "op.h"
#include "parallel.h"

namespace {

// Elements of a piece of work: one pass over 64 to 192 KiB.
constexpr int64_t PIECE = 16384;

template <class T>
void run(const Swiglu& job, int64_t rows) {
  parallel_for(rows, 1 + PIECE / job.width, [&](int64_t b, int64_t e) { work<T>().swiglu(job, b, e); });
}

enum { GATE, UP, GATE_BIAS, UP_BIAS, SWIGLU_D };

template <class T>
void swiglu(Context& context) {
  const Array& gate = context.input(GATE, {ANY, SOME});
  const int64_t width = gate.shape[1];
  const Array &up = context.input(UP, gate.shape), &y = context.output<T>(0, gate.shape);
  const float* gate_bias = context.optional(GATE_BIAS, {width}).as<float>();
  const float* up_bias = context.optional(UP_BIAS, {width}).as<float>();
  run<T>({gate.as<void>(), up.as<void>(), gate_bias, up_bias, nullptr, nullptr, nullptr, y.as<void>(), width},
         gate.shape[0]);
}

template <class T>
void swiglu_gradient(Context& context) {
  const Array& gate = context.input(GATE, {ANY, SOME});
  const int64_t width = gate.shape[1];
  const Array &up = context.input(UP, gate.shape), &d = context.input(SWIGLU_D, gate.shape);
  const float* gate_bias = context.optional(GATE_BIAS, {width}).as<float>();
  const float* up_bias = context.optional(UP_BIAS, {width}).as<float>();
  const Array &d_gate = context.output<T>(0, gate.shape), &d_up = context.output<T>(1, gate.shape),
              &y = context.output<T>(2, gate.shape);
  run<T>({gate.as<void>(), up.as<void>(), gate_bias, up_bias, d.as<void>(), d_gate.as<void>(), d_up.as<void>(),
          y.as<void>(), width},
         gate.shape[0]);
}

template <class T>
void run(const Gelu& job, int64_t rows) {
  parallel_for(rows, 1 + PIECE / job.width, [&](int64_t b, int64_t e) { work<T>().gelu(job, b, e); });
}

enum { X, BIAS, OPTIONS, GELU_D };

bool by_tanh(Context& context) {
  Numbers options = context.numbers(OPTIONS);
  const bool value = options.next() != 0;
  options.end();
  return value;
}

template <class T>
void gelu(Context& context) {
  const Array& x = context.input(X, {ANY, SOME});
  const Array& bias = context.input(BIAS, {x.shape[1]});
  const Array& y = context.output<T>(0, x.shape);
  run<T>({x.as<void>(), bias.as<float>(), nullptr, nullptr, y.as<void>(), x.shape[1], by_tanh(context)}, x.shape[0]);
}

template <class T>
void gelu_gradient(Context& context) {
  const Array& x = context.input(X, {ANY, SOME});
  const Array &bias = context.input(BIAS, {x.shape[1]}), &d = context.input(GELU_D, x.shape);
  const Array &dx = context.output<T>(0, x.shape), &y = context.output<T>(1, x.shape);
  run<T>({x.as<void>(), bias.as<float>(), d.as<void>(), dx.as<void>(), y.as<void>(), x.shape[1], by_tanh(context)},
         x.shape[0]);
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
  register_op<swiglu<float>, swiglu<bfloat16>>(
      {"VauSwiglu", {}, {"gate: T", "up: T", "gate_bias: float", "up_bias: float"}, {"y: T"}});
  register_op<swiglu_gradient<float>, swiglu_gradient<bfloat16>>(
      {"VauSwigluGradient",
       {},
       {"gate: T", "up: T", "gate_bias: float", "up_bias: float", "d: T"},
       {"d_gate: T", "d_up: T", "y: T"}});
  register_op<gelu<float>, gelu<bfloat16>>({"VauGelu", {}, {"x: T", "bias: float", "options: int32"}, {"y: T"}});
  register_op<gelu_gradient<float>, gelu_gradient<bfloat16>>(
      {"VauGeluGradient", {}, {"x: T", "bias: float", "options: int32", "d: T"}, {"dx: T", "y: T"}});
  register_op<add<float>, add<bfloat16>>({"VauAdd", {}, {"x: float", "delta: T", "bias: float"}, {"y: float"}});
  register_op<column_sum<float>, column_sum<bfloat16>>({"VauColumnSum", {}, {"x: T"}, {"y: float"}});
}
