// RMS and layer norm with the addition before them, and their gradients.
#include "op.h"
#include "parallel.h"

namespace {

template <class T>
void norm(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t rows = x.shape[0], width = x.shape[1];
  const Array &delta = context.optional(1, x.shape), &bias = context.optional(2, {width}),
              &weight = context.input(3, {width}), &shift = context.optional(4, {width});
  const float epsilon = context.scalar(5);
  Numbers options = context.numbers(6);
  const bool centered = options.flag();
  options.end();
  const Array& sum = context.output<float>(0, delta.size > 0 ? x.shape : Shape{0});
  const Array& y = context.output<T>(1, x.shape);
  const Array& stats = context.output<float>(2, {rows, 2});
  const Norm job = {x.as<float>(),     bias.as<float>(),  weight.as<float>(),
                    shift.as<float>(), delta.as<void>(),  sum.as<float>(),
                    y.as<void>(),      stats.as<float>(), width,
                    epsilon,           centered};
  parallel_for(rows, 1 + 16384 / width, [&](int64_t b, int64_t e) { work<T>().norm(job, b, e); });
}

template <class T>
void norm_gradient(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t rows = x.shape[0], width = x.shape[1];
  const Array &stats = context.input(1, {rows, 2}), &weight = context.input(2, {width}),
              &residual = context.optional(3, x.shape);
  Numbers options = context.numbers(4);
  const bool centered = options.flag(), wants_weight = options.flag();
  options.end();
  std::vector<const void*> dys;
  for (int i = 5; i < context.inputs(); i++) dys.push_back(context.input(i, x.shape).as<void>());
  check(!dys.empty(), "dys is an empty list");
  const bool is_narrow = sizeof(T) != sizeof(float);
  const Shape none = {0};
  const Array& dx = context.output<float>(0, x.shape);
  const Array& dx_cast = context.output<T>(1, is_narrow ? x.shape : none);
  const Array& d_weight = context.output<float>(2, wants_weight ? Shape{width} : none);
  const Array& d_shift = context.output<float>(3, wants_weight && centered ? Shape{width} : none);
  const NormGradient job = {dys.data(),
                            static_cast<int64_t>(dys.size()),
                            x.as<float>(),
                            stats.as<float>(),
                            weight.as<float>(),
                            residual.as<float>(),
                            dx.as<float>(),
                            dx_cast.as<void>(),
                            d_weight.as<float>(),
                            d_shift.as<float>(),
                            rows,
                            width,
                            centered};
  parallel_for(rows, 1 + 8192 / width, [&](int64_t b, int64_t e) { work<T>().norm_gradient(job, b, e); });
  if (wants_weight) parallel_for(width, 64, [&](int64_t b, int64_t e) { work<T>().norm_gradient_columns(job, b, e); });
}

}  // namespace

void register_norm() {
  register_op<norm<float>, norm<bfloat16>>(
      {"VauNorm",
       {},
       {"x: float", "delta: T", "bias: float", "weight: float", "shift: float", "epsilon: float", "options: int32"},
       {"sum: float", "y: T", "stats: float"}});
  register_op<norm_gradient<float>, norm_gradient<bfloat16>>(
      {"VauNormGradient",
       {"N: int"},
       {"x: float", "stats: float", "weight: float", "residual: float", "options: int32", "dys: N * T"},
       {"dx: float", "dx_cast: T", "d_weight: float", "d_shift: float"}});
}
