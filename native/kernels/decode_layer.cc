// A whole decoder layer on one more token of each of a few completions. An operation by itself takes longer to be
// called than to run here.
#include "decode.h"

#include <memory>

#include "op.h"
#include "parallel.h"

namespace {

enum { X, INPUT_NORM, Q, K, V, BIASES, Q_NORM = 8, K_NORM, O, MLP_NORM, GATE, UP, DOWN, ROTARY, EPSILON = 17, SCALE };

template <class T>
void decode_layer(Context& context) {
  expect_more_soon();
  const Array& input = context.input(X, {ANY, SOME});
  const int64_t M = input.shape[0], hidden = input.shape[1];
  Decode d = decode_of(context, M, BIASES, ROTARY, SCALE);
  const int64_t keys = d.KV * d.D, heads = keys * d.R;
  const auto vector = [&](int i) { return context.input(i, {hidden}).as<float>(); };
  const auto matrix = [&](int i, int64_t out, int64_t in) { return context.input(i, {out, in}).as<void>(); };
  const float *input_norm = vector(INPUT_NORM), *mlp_norm = vector(MLP_NORM);
  const void *w_q = matrix(Q, heads, hidden), *w_k = matrix(K, keys, hidden), *w_v = matrix(V, keys, hidden);
  const void* w_o = matrix(O, hidden, heads);
  const Array& w_gate = context.input(GATE, {SOME, hidden});
  const int64_t inner = w_gate.shape[0];
  const void *w_up = matrix(UP, inner, hidden), *w_down = matrix(DOWN, hidden, inner);
  const float epsilon = context.scalar(EPSILON);
  d.q_norm = context.optional(Q_NORM, {d.D}).as<float>(), d.k_norm = context.optional(K_NORM, {d.D}).as<float>();
  d.epsilon = epsilon;

  const Array& y = context.output<float>(0, input.shape);
  const int64_t widths = 3 * hidden + 2 * heads + 2 * keys + 3 * inner;
  std::unique_ptr<T[]> scratch(new T[times({M, widths})]);
  T* next = scratch.get();
  const auto room = [&](int64_t width) {
    T* here = next;
    next += M * width;
    return here;
  };
  T *normed = room(hidden), *q = room(heads), *k = room(keys), *v = room(keys), *attended = room(heads);
  T *update = room(hidden), *normed2 = room(hidden), *gate = room(inner), *up = room(inner), *product = room(inner);
  std::unique_ptr<float[]> middle(new float[M * hidden]), stats(new float[2 * M]);
  const float* x = input.as<float>();

  const Norm first = {x, nullptr, input_norm, nullptr, nullptr, nullptr, normed, stats.get(), hidden, epsilon, false};
  work<T>().norm(first, 0, M);
  few_rows_products(T{}, normed, M, hidden, {{w_q, q, heads}, {w_k, k, keys}, {w_v, v, keys}});
  d.q = q, d.k = k, d.v = v, d.y = attended;
  run_decode_attention(T{}, d);
  few_rows_products(T{}, attended, M, heads, {{w_o, update, hidden}});

  const Norm second = {x,       nullptr,     mlp_norm, nullptr, update, middle.get(),
                       normed2, stats.get(), hidden,   epsilon, false};
  work<T>().norm(second, 0, M);
  few_rows_products(T{}, normed2, M, hidden, {{w_gate.as<void>(), gate, inner}, {w_up, up, inner}});
  work<T>().swiglu({gate, up, nullptr, nullptr, nullptr, nullptr, nullptr, product, inner}, 0, M);
  few_rows_products(T{}, product, M, inner, {{w_down, update, hidden}});
  work<T>().add({middle.get(), nullptr, update, y.as<float>(), hidden}, 0, M);
}

}  // namespace

void register_decode_layer() {
  register_op<decode_layer<float>, decode_layer<bfloat16>>(
      {"VauDecodeLayer",
       {},
       {"x: float",     "input_norm: float", "q: T",          "k: T",
        "v: T",         "q_bias: float",     "k_bias: float", "v_bias: float",
        "q_norm: float", "k_norm: float", "o: T",         "mlp_norm: float",   "gate: T",       "up: T",
        "down: T",      "cos: float",        "sin: float",    "epsilon: float",
        "scale: float", "prompt_k: T",       "prompt_v: T",   "own_k: T",
        "own_v: T",     "lengths: int32",    "options: int32"},
       {"y: float"}});
}
