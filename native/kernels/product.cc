// x · Wᵀ for a few rows x: decoding reads every weight for each token, so the time is that of reading W once.
#include <algorithm>
#include <chrono>
#include <memory>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "decode_layer.h"
#include "op.h"
#include "parallel.h"

namespace {

constexpr int ROWS = 8;       // of x, and
constexpr int OUTPUTS = 2;    // rows of W that are multiplied at a time: their sums fill a vector
constexpr int CHUNK = 2 * LANES;
constexpr int AHEAD = 8192;   // bytes of W that are asked for early: hardware does not look past a page
constexpr int LEVEL = 2;      // into the second cache, which has more requests under way at a time than the first

struct Product {
  void* x;  // [M / ROWS][chunks][ROWS][CHUNK], padded with zeros
  const void* w;
  void* y;
  int64_t M, in, out;
};

int64_t chunks_of(int64_t in) { return (in + CHUNK - 1) / CHUNK; }

// x with ROWS rows side by side; `put` writes a chunk of up to CHUNK elements.
template <class T, class X, class Put>
INLINE void arrange(const T* x, const Product& p, const Put& put) {
  X* to = static_cast<X*>(p.x);
  for (int64_t first = 0; first < p.M; first += ROWS)
    for (int64_t j = 0; j < p.in; j += CHUNK)
      for (int64_t r = first; r < first + ROWS; r++, to += CHUNK) {
        T some[CHUNK] = {};
        if (r < p.M) std::copy(x + r * p.in + j, x + r * p.in + std::min(p.in, j + CHUNK), some);
        put(some, to);
      }
}

// Sums of outputs o and o + 1, in the order of `total`, for rows first … of y.
template <class T>
INLINE void put_outputs(const Product& p, int64_t first, int64_t o, const Vec* total) {
  T result[OUTPUTS * ROWS];
  store(result, sums(total));
  T* y = static_cast<T*>(p.y) + first * p.out + o;
  for (int64_t r = 0; r < std::min<int64_t>(ROWS, p.M - first); r++) {
    y[r * p.out] = result[r];
    if (o + 1 < p.out) y[r * p.out + 1] = result[ROWS + r];
  }
}

// In float32: x is arranged as pairs of vectors, in the order in which a chunk of W is loaded.
template <class T>
INLINE void wide_outputs(const Product& p, int64_t begin, int64_t end) {
  for (int64_t o = begin; o < end; o += OUTPUTS) {
    const T* w0 = static_cast<const T*>(p.w) + o * p.in;
    const T* w1 = o + 1 < p.out ? w0 + p.in : w0;
    const float* x = static_cast<const float*>(p.x);
    for (int64_t first = 0; first < p.M; first += ROWS) {
      Vec total[OUTPUTS * ROWS] = {};
      for (int64_t j = 0; j < p.in; j += CHUNK) {
        __builtin_prefetch(reinterpret_cast<const char*>(w0 + j) + AHEAD, 0, LEVEL);
        __builtin_prefetch(reinterpret_cast<const char*>(w1 + j) + AHEAD, 0, LEVEL);
        Vec a0, b0, a1, b1;
        load_pair(w0 + j, p.in - j, a0, b0);
        load_pair(w1 + j, p.in - j, a1, b1);
        for (int r = 0; r < ROWS; r++, x += CHUNK) {
          const Vec xa = load(x), xb = load(x + LANES);
          total[r] += xa * a0;
          total[ROWS + r] += xa * a1;
          total[r] += xb * b0;
          total[ROWS + r] += xb * b1;
        }
      }
      put_outputs<T>(p, first, o, total);
    }
  }
}
template <class T>
INLINE void arrange_wide(const void* x, const Product& p) {
  arrange<T, float>(static_cast<const T*>(x), p, [](const T* some, float* to) __attribute__((always_inline)) {
    Vec a, b;
    load_pair(some, a, b);
    store(to, a);
    store(to + LANES, b);
  });
}
CLONES void arrange_of(float, const void* x, const Product& p) { arrange_wide<float>(x, p); }
CLONES void arrange_of(bfloat16, const void* x, const Product& p) { arrange_wide<bfloat16>(x, p); }
CLONES void outputs_of(float, const Product& p, int64_t b, int64_t e) { wide_outputs<float>(p, b, e); }
CLONES void outputs_of(bfloat16, const Product& p, int64_t b, int64_t e) { wide_outputs<bfloat16>(p, b, e); }

// With the instruction that multiplies 32 bfloat16 at once, where the processor has it.
#if defined(__x86_64__)
bool has_dot() {
  static const bool has = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
  return has;
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void dot_outputs(const Product& p, int64_t begin,
                                                                                 int64_t end) {
  for (int64_t o = begin; o < end; o += OUTPUTS) {
    const bfloat16* w0 = static_cast<const bfloat16*>(p.w) + o * p.in;
    const bfloat16* w1 = o + 1 < p.out ? w0 + p.in : w0;
    const bfloat16* x = static_cast<const bfloat16*>(p.x);
    for (int64_t first = 0; first < p.M; first += ROWS) {
      Vec total[OUTPUTS * ROWS] = {};
      for (int64_t j = 0; j < p.in; j += CHUNK) {
        const __mmask32 within = p.in - j >= CHUNK ? ~__mmask32(0) : (__mmask32(1) << (p.in - j)) - 1;
        __builtin_prefetch(reinterpret_cast<const char*>(w0 + j) + AHEAD, 0, LEVEL);
        __builtin_prefetch(reinterpret_cast<const char*>(w1 + j) + AHEAD, 0, LEVEL);
        const __m512bh a = (__m512bh)_mm512_maskz_loadu_epi16(within, w0 + j);
        const __m512bh b = (__m512bh)_mm512_maskz_loadu_epi16(within, w1 + j);
        for (int r = 0; r < ROWS; r++, x += CHUNK) {
          const __m512bh row = (__m512bh)_mm512_loadu_si512(x);
          total[r] = (Vec)_mm512_dpbf16_ps((__m512)total[r], row, a);
          total[ROWS + r] = (Vec)_mm512_dpbf16_ps((__m512)total[ROWS + r], row, b);
        }
      }
      put_outputs<bfloat16>(p, first, o, total);
    }
  }
}
#else
bool has_dot() { return false; }
void dot_outputs(const Product&, int64_t, int64_t) {}
#endif

// Bytes of W in a piece of work.
constexpr int64_t PIECE = 65536;

template <class T>
void run(const void* x, int64_t M, int64_t in, const std::vector<WeightedOutput>& outputs) {
  const std::unique_ptr<float[]> rows(new float[(M + ROWS - 1) / ROWS * ROWS * chunks_of(in) * CHUNK]);
  const auto job = [&](const WeightedOutput& o) { return Product{rows.get(), o.w, o.y, M, in, o.out}; };
  const bool dots = sizeof(T) == sizeof(bfloat16) && has_dot();
  if (dots)
    arrange<T, T>(static_cast<const T*>(x), job(outputs[0]),
                  [](const T* some, T* to) { std::copy(some, some + CHUNK, to); });
  else
    arrange_of(T{}, x, job(outputs[0]));
  const int64_t grain = std::max<int64_t>(1, PIECE / (in * static_cast<int64_t>(sizeof(T)) * OUTPUTS)) * OUTPUTS;
  std::vector<int64_t> starts = {0};  // pieces of all products before each
  for (const WeightedOutput& o : outputs) starts.push_back(starts.back() + (o.out + grain - 1) / grain);
  parallel_for(starts.back(), 1, [&](int64_t piece, int64_t) {
    const size_t i = std::upper_bound(starts.begin(), starts.end(), piece) - starts.begin() - 1;
    const int64_t begin = (piece - starts[i]) * grain, end = std::min(begin + grain, outputs[i].out);
    if (dots)
      dot_outputs(job(outputs[i]), begin, end);
    else
      outputs_of(T{}, job(outputs[i]), begin, end);
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
