// Which instruction set the work runs on.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "work.h"

// Made of work/work.cc, each with flags of its own.
#if defined(__x86_64__)
extern const InstructionSet avx512_bf16, avx512, avx2, sse2;
#elif defined(__aarch64__)
extern const InstructionSet neon;
#endif

namespace {

// The best first.
struct Candidate {
  const InstructionSet& set;
  bool is_here;
};

const InstructionSet& choose() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const Candidate candidates[] = {
      {avx512_bf16, has_avx512 && __builtin_cpu_supports("avx512bf16")},
      {avx512, has_avx512},
      {avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
      {sse2, true},
  };
#elif defined(__aarch64__)
  const Candidate candidates[] = {{neon, true}};
#endif
  const char* variable = std::getenv("VAU_RFT_ISA");
  const std::string wanted = variable == nullptr ? "" : variable;
  std::string names;
  for (const Candidate& candidate : candidates) {
    if (!candidate.is_here) continue;
    if (wanted.empty() || wanted == candidate.set.name) return candidate.set;
    names += (names.empty() ? "" : ", ") + std::string(candidate.set.name);
  }
  throw std::invalid_argument("VAU_RFT_ISA is " + wanted + "; this processor has " + names);
}

}  // namespace

const InstructionSet& instruction_set() {
  static const InstructionSet& chosen = choose();
  return chosen;
}
