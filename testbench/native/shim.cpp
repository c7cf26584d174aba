// C interface to the verilated accelerator: creation, port pointers, evaluation, waveform. One model per handle.
#include "Vacc_top.h"
#include "acc_ports.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
#endif
#include <cstdint>

double sc_time_stamp() { return 0; }

namespace {
struct Handle {
  VerilatedContext context;
  Vacc_top* model = nullptr;
  uint64_t time = 0;
#if VM_TRACE_FST
  VerilatedFstC* trace = nullptr;
#endif
};
}  // namespace

extern "C" {

void* acc_create() {
  Handle* h = new Handle;
  // A failed assertion is reported through acc_failed; it must not end the host process.
  h->context.fatalOnError(false);
#ifdef ACC_RANDOM_STATE
  h->context.randReset(2);
  h->context.randSeed(7);
#endif
#if VM_TRACE_FST
  h->context.traceEverOn(true);
#endif
  h->model = new Vacc_top(&h->context, "acc_top");
  return h;
}

void acc_destroy(void* p) {
  Handle* h = static_cast<Handle*>(p);
#if VM_TRACE_FST
  if (h->trace) { h->trace->close(); delete h->trace; }
#endif
  h->model->final();
  delete h->model;
  delete h;
}

// Order of the pointers is the order of the host's table of ports.
void acc_ports(void* p, void** out) {
  Vacc_top* m = static_cast<Handle*>(p)->model;
  int i = 0;
#define ACC_POINTER(id, port) out[i++] = &m->port;
  ACC_PORTS(ACC_POINTER)
#undef ACC_POINTER
}

// One clock cycle: the inputs are sampled at the rising edge.
void acc_clock(void* p) {
  Handle* h = static_cast<Handle*>(p);
  h->model->clk_i = 1;
  h->model->eval();
#if VM_TRACE_FST
  if (h->trace) h->trace->dump(h->time);
  h->time += 5;
#endif
  h->model->clk_i = 0;
  h->model->eval();
#if VM_TRACE_FST
  if (h->trace) h->trace->dump(h->time);
  h->time += 5;
#endif
}

// Combinational settling without a clock edge.
void acc_settle(void* p) { static_cast<Handle*>(p)->model->eval(); }

// 1 when an assertion has failed since the model was made.
int acc_failed(void* p) { return static_cast<Handle*>(p)->context.gotError() ? 1 : 0; }

// 1 when the model was built with waveforms.
int acc_can_trace() {
#if VM_TRACE_FST
  return 1;
#else
  return 0;
#endif
}

// Closes the waveform; nothing more is written to it.
void acc_trace_close(void* p) {
#if VM_TRACE_FST
  Handle* h = static_cast<Handle*>(p);
  if (h->trace) { h->trace->close(); delete h->trace; h->trace = nullptr; }
#else
  (void)p;
#endif
}

// Opens a waveform; -1 when the model was built without.
int acc_trace(void* p, const char* path) {
#if VM_TRACE_FST
  Handle* h = static_cast<Handle*>(p);
  h->trace = new VerilatedFstC;
  h->model->trace(h->trace, 99);
  h->trace->open(path);
  return 0;
#else
  (void)p; (void)path;
  return -1;
#endif
}
}
