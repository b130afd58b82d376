// Compiled once an instruction set, with the compiler's flags for it and its name as ISA.
#include "../work.h"

#include "activations.h"
#include "attended.h"
#include "attention.h"
#include "decode.h"
#include "heads.h"
#include "matmul.h"
#include "norm.h"
#include "optimizer.h"
#include "product.h"
#include "sample.h"

namespace {

template <class T>
constexpr Work WORK = {norm<T>,
                       norm_gradient<T>,
                       norm_gradient_columns<T>,
                       swiglu<T>,
                       gelu<T>,
                       add<T>,
                       sum_columns<T>,
                       to_heads<T>,
                       from_heads<T>,
                       attention_weights<T>,
                       attention_gradient<T>,
                       enter<T>,
                       attend<T>,
                       attend_room,
                       product_room<T>,
                       arrange<T>,
                       outputs<T>,
                       TILE,
                       multiply_room<T>,
                       multiply<T>,
                       pack_all<T>,
                       BLOCK_ROWS,
                       attended_room,
                       attend_rows<T>,
                       attended_gradient_room,
                       attend_rows_gradient<T>,
                       sum_arrays<T>,
                       draw<T>,
                       squares<T>,
                       adamw<T>};

}  // namespace

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

extern const InstructionSet ISA;
const InstructionSet ISA = {TEXT(ISA), WORK<float>, WORK<bfloat16>};
