// What happened that a test run must know of: how much work was done, and what was refused.
#pragma once

namespace cupy_on_cpu {

// A kernel, a copy or a library's routine was run.
void note_work();

// Something that the stand-in cannot do was asked for; gives the status back, so that refusals read `return
// refuse(...)`.
int refuse(const char* what, int status);

}  // namespace cupy_on_cpu

extern "C" {
unsigned long long cupy_on_cpu_work();
void cupy_on_cpu_note_refusal(const char* what);
// Takes the oldest refusal out of the journal into a buffer: 1, or 0 if there is none.
int cupy_on_cpu_take_refusal(char* buffer, int size);
// For generated entry points that do nothing else.
int cupy_on_cpu_refuse(const char* what, int status);
}
