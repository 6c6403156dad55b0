// A kernel that fails breaks its device for good, as on a GPU: every later call gives the same status.
#pragma once

namespace cupy_on_cpu {

enum Fault { no_fault = 0, illegal_address = 700, launch_failure = 719 };

Fault fault();
void set_fault(Fault value);

}  // namespace cupy_on_cpu
