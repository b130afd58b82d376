// Memory for a piece of work.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

struct Release {
  void operator()(float* p) const { std::free(p); }
};
using Floats = std::unique_ptr<float[], Release>;

// Where vectors of every width are aligned.
inline Floats floats(int64_t count) {
  float* p = static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64));
  if (p == nullptr && count > 0) throw std::bad_alloc();
  return Floats(p);
}
