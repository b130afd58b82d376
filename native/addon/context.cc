// Part of the addon that loads TensorFlow; tfjs's own sources are compiled with
//   -DTFE_NewContext=vau_rft_new_context -DTF_DeviceListName=vau_rft_device_name
//
// Keeps the context that tfjs makes, so that the process can join others by it (native/context), and names devices
// without their job ("/device:CPU:0"): joining renames them ("/job:worker/…"), and tfjs goes on with the names of before.
#undef TFE_NewContext
#undef TF_DeviceListName
#include <cstring>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

extern "C" {
__attribute__((visibility("default"))) TFE_Context* vau_rft_context = nullptr;

TFE_Context* vau_rft_new_context(const TFE_ContextOptions* options, TF_Status* status) {
  return vau_rft_context = TFE_NewContext(options, status);
}

const char* vau_rft_device_name(const TF_DeviceList* list, int index, TF_Status* status) {
  const char* name = TF_DeviceListName(list, index, status);
  const char* local = name == nullptr ? nullptr : std::strstr(name, "/device:");
  return local == nullptr ? name : local;
}
}
