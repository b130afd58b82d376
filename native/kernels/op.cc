#include "op.h"

#include <algorithm>
#include <new>

bool Wanted::fits(const Shape& shape) const {
  if (shape.size() != rank) return false;
  for (size_t i = 0; i < rank; i++) {
    const int64_t wanted = dimensions[i];
    if (wanted == SOME ? shape[i] == 0 : wanted != ANY && wanted != shape[i]) return false;
  }
  return true;
}

namespace {

std::string text(const int64_t* dimensions, size_t rank) {
  std::string all;
  for (size_t i = 0; i < rank; i++) {
    const int64_t size = dimensions[i];
    all += (i == 0 ? "" : ", ") + (size == ANY ? "any" : size == SOME ? "any but 0" : std::to_string(size));
  }
  return "[" + all + "]";
}

// TensorFlow said itself what is wrong.
struct Said {};

}  // namespace

const Array& Context::any(int index) {
  TF_Tensor* tensor = nullptr;
  TF_GetInput(raw_, index, &tensor, status_);
  check_status();
  return arrays_.emplace_back(tensor);
}

const Array& Context::allocate(int index, TF_DataType type, size_t bytes, const Shape& shape) {
  int64_t total = times(shape.data(), shape.size());
  total = times({total, static_cast<int64_t>(bytes)});
  TF_Tensor* tensor =
      TF_AllocateOutput(raw_, index, type, shape.data(), static_cast<int>(shape.size()), total, status_);
  check_status();
  return arrays_.emplace_back(tensor);
}

// A list is the last of the inputs.
void Context::refuse(int index, const Shape& found, const Wanted& wanted) const {
  const int last = static_cast<int>(signature_.inputs.size()) - 1;
  const std::string declared = signature_.inputs[std::min(index, last)];
  std::string name = declared.substr(0, declared.find(':'));
  if (declared.find('*') != std::string::npos) name += "[" + std::to_string(index - last) + "]";
  throw std::invalid_argument(name + " has shape " + text(found.data(), found.size()) + ", not " +
                              text(wanted.dimensions, wanted.rank));
}

void Context::run(Body body) {
  try {
    body(*this);
  } catch (const Said&) {
    TF_OpKernelContext_Failure(raw_, status_);
  } catch (const std::bad_alloc&) {
    fail(TF_RESOURCE_EXHAUSTED, "out of memory");
  } catch (const std::exception& error) {
    fail(TF_INVALID_ARGUMENT, error.what());
  }
}

void Context::fail(TF_Code code, const std::string& message) {
  TF_SetStatus(status_, code, (std::string(signature_.name) + ": " + message).c_str());
  TF_OpKernelContext_Failure(raw_, status_);
}

void Context::check_status() const {
  if (TF_GetCode(status_) != TF_OK) throw Said();
}
