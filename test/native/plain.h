// What the checks of the work on vectors are made of: arrays with guarded ends, and comparison with what plain loops give.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "../../native/kernels/work.h"

inline double value(float x) { return x; }
inline double value(bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

inline void put(float& to, float x) { to = x; }
inline void put(bfloat16& to, float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  to.bits = static_cast<uint16_t>(bits >> 16);
}

// Elements after the end of an array, all NaN: one that is read spoils the result, one that is written is told.
constexpr int64_t GUARD = 64;

template <class T>
std::vector<T> room(int64_t count) {
  std::vector<T> all(count + GUARD);
  for (T& x : all) put(x, std::numeric_limits<float>::quiet_NaN());
  return all;
}

// The same numbers in each run.
inline float next_random(float low, float high) {
  static uint64_t state = 88172645463325252;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return low + (high - low) * static_cast<float>(state >> 40) / (1 << 24);
}

template <class T>
std::vector<T> numbers(int64_t count, float low = -1, float high = 1) {
  std::vector<T> all = room<T>(count);
  for (int64_t i = 0; i < count; i++) put(all[i], next_random(low, high));
  return all;
}

template <class T>
std::vector<double> values(const std::vector<T>& array) {
  std::vector<double> all;
  for (const T& x : array) all.push_back(value(x));
  return all;
}

struct Tally {
  int checks, failures;
};
extern Tally tally;
void fail(const std::string& what, const std::string& how);

// float32 to 1e-5 of the largest number, bfloat16 to a unit in its last place besides.
template <class T>
void compare(const std::string& what, const std::vector<T>& found, const std::vector<double>& expected) {
  tally.checks++;
  double largest = 0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  for (size_t i = 0; i < expected.size(); i++) {
    const double bound = 1e-5 * largest + (sizeof(T) == 2 ? std::abs(expected[i]) / 256 : 0);
    if (std::abs(value(found[i]) - expected[i]) <= bound) continue;
    return fail(what, "element " + std::to_string(i) + " is " + std::to_string(value(found[i])) + ", not " +
                          std::to_string(expected[i]));
  }
  for (size_t i = expected.size(); i < found.size(); i++)
    if (!std::isnan(value(found[i]))) return fail(what, "writes beyond its end");
}

// work(begin, end) on two pieces, as threads take them; the second begins at a multiple of `grain`.
template <class Run>
void in_pieces(int64_t count, int64_t grain, const Run& run) {
  const int64_t middle = count / 2 / grain * grain;
  run(0, middle);
  run(middle, count);
}

// x cos + swap(x) sin, as rotary embeddings turn a head of D; `sign` −1 turns back.
inline void rotate_plainly(double* x, const float* cos, const float* sin, int64_t D, double sign) {
  const std::vector<double> from(x, x + D);
  for (int64_t j = 0; j < D; j++) x[j] = from[j] * cos[j] + from[(j + D / 2) % D] * sin[j] * sign;
}

// Each for one type of number.
template <class T>
void check_products();
template <class T>
void check_decoding();
template <class T>
void check_attention_weights();
template <class T>
void check_norms();
template <class T>
void check_elements();
template <class T>
void check_heads();
template <class T>
void check_draws();
