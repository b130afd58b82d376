// A whole decoder layer on one more token of each of a few completions. An operation by itself takes longer to be called
// than to run here.
#include "decode_layer.h"

#include <memory>

#include "op.h"
#include "parallel.h"

namespace {

enum {
  X, INPUT_NORM, Q, K, V, Q_BIAS, K_BIAS, V_BIAS, O, MLP_NORM, GATE, UP, DOWN,
  COS, SIN, EPSILON, SCALE, PROMPT_K, PROMPT_V, OWN_K, OWN_V, LENGTHS, OPTIONS
};

template <class T>
void decode_layer(Context& context) {
  expect_more_soon();
  std::vector<Array> in;
  for (int i = 0; i < context.inputs(); i++) in.push_back(context.input(i));
  const int64_t M = in[X].shape[0], hidden = in[X].shape[1], inner = in[GATE].shape[0];
  const int64_t heads = in[Q].shape[0], keys = in[K].shape[0];
  Numbers n(in[OPTIONS]);
  Decode d = {};
  d.KV = n.next(), d.R = n.next(), d.G = n.next(), d.t = n.next();
  d.M = M, d.D = in[PROMPT_V].shape[2], d.P = in[PROMPT_V].shape[1], d.capacity = in[OWN_K].shape[1];
  check_decode(d);

  Array y = context.output<float>(0, in[X].shape);
  std::unique_ptr<T[]> scratch(new T[M * (3 * hidden + 2 * heads + 2 * keys + 3 * inner)]);
  T* next = scratch.get();
  const auto room = [&](int64_t width) {
    T* here = next;
    next += M * width;
    return here;
  };
  T *normed = room(hidden), *q = room(heads), *k = room(keys), *v = room(keys), *attended = room(heads);
  T *update = room(hidden), *normed2 = room(hidden), *gate = room(inner), *up = room(inner), *product = room(inner);
  std::unique_ptr<float[]> middle(new float[M * hidden]), stats(new float[2 * M]);
  const float epsilon = *in[EPSILON].template as<float>();
  const float* x = in[X].template as<float>();

  const Norm first = {x, nullptr, in[INPUT_NORM].template as<float>(), nullptr, nullptr, nullptr, normed, stats.get(),
                      hidden, epsilon, false};
  norm_rows_of(T{}, first, 0, M);
  few_rows_products(T{}, normed, M, hidden,
                    {{in[Q].template as<void>(), q, heads},
                     {in[K].template as<void>(), k, keys},
                     {in[V].template as<void>(), v, keys}});
  d.q = q, d.k = k, d.v = v, d.y = attended;
  d.q_bias = in[Q_BIAS].template as<float>(), d.k_bias = in[K_BIAS].template as<float>();
  d.v_bias = in[V_BIAS].template as<float>();
  d.cos = in[COS].template as<float>(), d.sin = in[SIN].template as<float>(), d.scale = *in[SCALE].template as<float>();
  d.prompt_k = in[PROMPT_K].template as<void>(), d.prompt_v = in[PROMPT_V].template as<void>();
  d.own_k = in[OWN_K].template as<void>(), d.own_v = in[OWN_V].template as<void>();
  d.lengths = in[LENGTHS].template as<int32_t>();
  run_decode_attention(T{}, d);
  few_rows_products(T{}, attended, M, heads, {{in[O].template as<void>(), update, hidden}});

  const Norm second = {x, nullptr, in[MLP_NORM].template as<float>(), nullptr, update, middle.get(), normed2,
                       stats.get(), hidden, epsilon, false};
  norm_rows_of(T{}, second, 0, M);
  few_rows_products(T{}, normed2, M, hidden,
                    {{in[GATE].template as<void>(), gate, inner}, {in[UP].template as<void>(), up, inner}});
  swiglu_of(T{}, gate, up, product, 0, M * inner);
  few_rows_products(T{}, product, M, inner, {{in[DOWN].template as<void>(), update, hidden}});
  add_of(T{}, {middle.get(), nullptr, update, y.as<float>(), hidden}, 0, M);
}

}  // namespace

void register_decode_layer() {
  register_op<decode_layer<float>, decode_layer<bfloat16>>(
      {"VauDecodeLayer",
       {},
       {"x: float", "input_norm: float", "q: T", "k: T", "v: T", "q_bias: float", "k_bias: float", "v_bias: float",
        "o: T", "mlp_norm: float", "gate: T", "up: T", "down: T", "cos: float", "sin: float", "epsilon: float",
        "scale: float", "prompt_k: T", "prompt_v: T", "own_k: T", "own_v: T", "lengths: int32", "options: int32"},
       {"y: float"}});
}
