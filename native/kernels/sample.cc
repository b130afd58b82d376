// Drawing a token from each row of logits, by inverting the cumulative distribution.
#include "op.h"
#include "parallel.h"

namespace {

template <class T>
void draw(Context& context) {
  const Array& logits = context.input(0, {ANY, SOME});
  const int64_t M = logits.shape[0], V = logits.shape[1];
  const Array& uniforms = context.input(1, {M});
  const float scale = context.scalar(2);
  const Array& forbidden = context.input(3, {ANY});
  const Array &tokens = context.output<int32_t>(0, {M}), &logprobs = context.output<float>(1, {M});
  const Draw job = {logits.as<void>(),    uniforms.as<float>(), forbidden.as<int32_t>(), forbidden.size, V, scale,
                    tokens.as<int32_t>(), logprobs.as<float>()};
  for (int64_t i = 0; i < forbidden.size; i++)
    check(job.forbidden[i] >= 0 && job.forbidden[i] < V, "forbidden has a token that is not in the vocabulary");
  parallel_for(M, 1 + 16384 / V, [&](int64_t begin, int64_t end) {
    std::vector<float> buffer(V);
    for (int64_t row = begin; row < end; row++) work<T>().draw(job, row, buffer.data());
  });
}

}  // namespace

void register_sample() {
  register_op<draw<float>, draw<bfloat16>>({"VauDraw",
                                            {},
                                            {"logits: T", "uniforms: float", "scale: float", "forbidden: int32"},
                                            {"tokens: int32", "logprobs: float"}});
}
