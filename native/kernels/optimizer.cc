// Sums of squares, and AdamW in place with the gradient's scale in it.
#include "op.h"
#include "parallel.h"

namespace {

constexpr int64_t PIECE = 32768;

template <class T>
void squared_norm(Context& context) {
  const Array& x = context.any(0);
  const Array& y = context.output<float>(0, {1});
  std::vector<double> parts((x.size + PIECE - 1) / PIECE);
  const T* from = x.as<const T>();
  parallel_for(x.size, PIECE, [&](int64_t begin, int64_t end) {
    parts[begin / PIECE] = work<T>().squares(from + begin, end - begin);
  });
  double total = 0;
  for (double part : parts) total += part;
  *y.as<float>() = static_cast<float>(total);
}

// The first three are written in place: they are the memory of variables.
template <class T>
void adamw(Context& context) {
  const Array& value = context.any(0);
  const Array &m = context.input(1, value.shape), &v = context.input(2, value.shape),
              &gradient = context.input(3, value.shape);
  float c[6];
  for (int i = 0; i < 6; i++) c[i] = context.scalar(4 + i);
  const AdamW job = {
      value.as<float>(), m.as<float>(), v.as<float>(), gradient.as<void>(), c[0], c[1], c[2], c[3], c[4], c[5]};
  parallel_for(value.size, PIECE, [&](int64_t b, int64_t e) { work<T>().adamw(job, b, e); });
  context.output<float>(0, {0});
}

}  // namespace

void register_optimizer() {
  register_op<squared_norm<float>, squared_norm<bfloat16>>({"VauSquaredNorm", {}, {"x: T"}, {"y: float"}});
  register_op<adamw<float>, adamw<bfloat16>>(
      {"VauAdamW",
       {},
       {"value: float", "m: float", "v: float", "gradient: T", "beta1: float", "beta2: float", "step_size: float",
        "epsilon: float", "decay: float", "gradient_scale: float"},
       {"nothing: float"}});
}
