// The work on vectors against plain loops, without TensorFlow: on the instruction set of the environment variable
// VAU_RFT_ISA, or the best that the processor has. Exit code 1: something differs; 2: there is no such set here.
#include <cstdio>
#include <stdexcept>

#include "plain.h"

Tally tally = {};

void fail(const std::string& what, const std::string& how) {
  tally.failures++;
  std::printf("%s: %s\n", what.c_str(), how.c_str());
}

template <class T>
void check() {
  check_products<T>();
  check_decoding<T>();
  check_attention_weights<T>();
  check_norms<T>();
  check_elements<T>();
  check_heads<T>();
  check_draws<T>();
}

int main() {
  try {
    check<float>();
    check<bfloat16>();
  } catch (const std::invalid_argument& error) {
    std::printf("%s\n", error.what());
    return 2;
  }
  std::printf("%s: %d checks, %d failed\n", instruction_set().name, tally.checks, tally.failures);
  return tally.failures > 0;
}
