// x · Wᵀ for a few rows x.
#include <algorithm>
#include <chrono>
#include <memory>

#include "decode.h"
#include "op.h"
#include "parallel.h"

namespace {

// Bytes of W in a piece of work.
constexpr int64_t PIECE = 65536;

template <class T>
void run(const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>& outputs) {
  const std::unique_ptr<char[]> arranged(new char[work<T>().product_room(M, in)]);
  const auto job = [&](const WeightedOutput& o) { return Product{arranged.get(), o.w, o.y, M, in, o.out}; };
  work<T>().arrange(x, job(outputs[0]));
  const int64_t grain = std::max<int64_t>(1, PIECE / (in * static_cast<int64_t>(sizeof(T)) * 2)) * 2;
  std::vector<int64_t> starts = {0};  // pieces of all products before each
  for (const WeightedOutput& o : outputs) starts.push_back(starts.back() + (o.out + grain - 1) / grain);
  parallel_for(starts.back(), 1, [&](int64_t piece, int64_t) {
    const size_t i = std::upper_bound(starts.begin(), starts.end(), piece) - starts.begin() - 1;
    const int64_t begin = (piece - starts[i]) * grain, end = std::min(begin + grain, outputs[i].out);
    work<T>().outputs(job(outputs[i]), begin, end);
  });
}

template <class T>
void products(Context& context) {
  const Array& x = context.input(0, {ANY, SOME});
  const int64_t M = x.shape[0], in = x.shape[1];
  std::vector<WeightedOutput> outputs;
  for (int i = 1; i < context.inputs(); i++) {
    const Array& w = context.input(i, {ANY, in});
    const int64_t out = w.shape[0];
    outputs.push_back({w.as<void>(), context.output<T>(i - 1, {M, out}).template as<void>(), out});
  }
  check(!outputs.empty(), "ws is an empty list");
  run<T>(x.as<void>(), M, in, outputs);
}

// Of the products inside of other operations, for a profile; since it was last asked for.
double seconds_in_products = 0;

template <class T>
void run_inside(const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>& outputs) {
  const auto start = std::chrono::steady_clock::now();
  run<T>(x, M, in, outputs);
  seconds_in_products += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void take_seconds(Context& context) {
  const Array& y = context.output<float>(0, {1});
  *y.as<float>() = static_cast<float>(seconds_in_products);
  seconds_in_products = 0;
}

}  // namespace

void few_rows_products(float, const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>& outputs) {
  run_inside<float>(x, M, in, outputs);
}
void few_rows_products(bfloat16, const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>& outputs) {
  run_inside<bfloat16>(x, M, in, outputs);
}

void register_product() {
  register_op<products<float>, products<bfloat16>>(
      {"VauFewRowsProducts", {"N: int"}, {"x: T", "ws: N * T"}, {"ys: N * T"}});
  register_op<take_seconds, take_seconds>({"VauSecondsInProducts", {}, {}, {"seconds: float"}});
}
