// The same run as the C# harness drives, driven from C++: registers, AXI memory and clock, on the same model library.
// bench_main RUN_FILE ROUNDS prints, per round, the seconds and the cycles, and last the FNV-1a hash of the memory.
#include "acc_ports.h"
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

extern "C" {
void* acc_create();
void acc_destroy(void*);
void acc_ports(void*, void**);
void acc_clock(void*);
void acc_settle(void*);
int acc_failed(void*);
}

#define ACC_NAME(id, port) id,
enum Port { ACC_PORTS(ACC_NAME) Count };
#undef ACC_NAME

struct Burst { uint64_t address; int beats; int64_t ready; };

struct Bench {
  void* handle = acc_create();
  void* ports[Count];
  std::vector<uint8_t> memory;
  int beat_bytes = 0;
  bool wide_address = false;
  int64_t cycle = 0, read_latency = 0, read_interval = 0, write_latency = 0, write_interval = 0;

  Bench() { acc_ports(handle, ports); }
  ~Bench() { acc_destroy(handle); }
  uint8_t& bit(Port p) { return *static_cast<uint8_t*>(ports[p]); }
  void tick() { acc_clock(handle); cycle++; }

  void reset() {
    bit(Reset) = 0;
    bit(ArReady) = 0;
    acc_settle(handle);
    for (int i = 0; i < 4; i++) tick();
    bit(Reset) = 1;
    tick();
  }

  void write(uint32_t offset, uint32_t value) {
    bit(SAwValid) = 1;
    bit(SWValid) = 1;
    *static_cast<uint16_t*>(ports[SAwAddr]) = static_cast<uint16_t>(offset);
    *static_cast<uint32_t*>(ports[SWData]) = value;
    bit(SWStrb) = 15;
    bit(SBReady) = 1;
    acc_settle(handle);
    for (int waited = 0; !bit(SAwReady); waited++) {
      if (waited == 1000) {
        fprintf(stderr, "s_awready_o stays low: waited 1000 cycles\n");
        exit(4);
      }
      tick();
    }
    tick();
    bit(SAwValid) = 0;
    bit(SWValid) = 0;
    // Address and data are in registers now; the write takes effect with the next edge.
    tick();
  }

  int64_t run(uint32_t control) {
    std::deque<Burst> reads, writes;
    std::deque<int64_t> responses;
    uint64_t read_address = 0, write_address = 0;
    int64_t next_read = INT64_MIN / 2, next_write = INT64_MIN / 2, last_progress;
    int read_left = 0, write_left = 0;
    bool offered = false;
    uint8_t *ar_valid = &bit(ArValid), *ar_len = &bit(ArLen), *r_valid = &bit(RValid), *r_ready = &bit(RReady), *r_data = &bit(RData), *r_last = &bit(RLast);
    uint8_t *aw_valid = &bit(AwValid), *aw_len = &bit(AwLen), *w_valid = &bit(WValid), *w_ready = &bit(WReady), *w_data = &bit(WData), *b_valid = &bit(BValid), *b_ready = &bit(BReady);
    uint8_t *running = &bit(Running);
    auto address = [this](Port p) { return wide_address ? *static_cast<uint64_t*>(ports[p]) : *static_cast<uint32_t*>(ports[p]); };
    bit(RResp) = bit(BResp) = 0;
    write(control, 1);
    const int64_t origin = cycle;
    last_progress = cycle;
    while (*running || cycle <= origin + 2) {
      const int64_t now = cycle;
      bool moved = false;
      bit(ArReady) = 1;
      if (*ar_valid) reads.push_back({address(ArAddr), *ar_len + 1, now + read_latency});
      if (!offered) {
        *r_valid = 0;
        if (next_read <= now) {
          if (read_left == 0 && !reads.empty() && reads.front().ready <= now) {
            read_address = reads.front().address;
            read_left = reads.front().beats;
            reads.pop_front();
            offered = true;
          } else if (read_left > 0) {
            offered = true;
          }
          if (offered) {
            *r_valid = 1;
            *r_last = read_left == 1;
            if (read_address + beat_bytes <= memory.size()) memcpy(r_data, &memory[read_address], beat_bytes);
            else memset(r_data, 0, beat_bytes);
          }
        }
      }
      if (offered && *r_ready) {
        offered = false;
        read_left--;
        read_address += beat_bytes;
        next_read = now + read_interval;
        moved = true;
      }
      bit(AwReady) = 1;
      if (*aw_valid) writes.push_back({address(AwAddr), *aw_len + 1, 0});
      *w_ready = next_write <= now;
      if (*w_ready && *w_valid) {
        if (write_left == 0) {
          write_address = writes.front().address;
          write_left = writes.front().beats;
          writes.pop_front();
        }
        if (write_address + beat_bytes <= memory.size()) memcpy(&memory[write_address], w_data, beat_bytes);
        write_address += beat_bytes;
        next_write = now + write_interval;
        moved = true;
        if (--write_left == 0) responses.push_back(now + write_latency);
      }
      *b_valid = 0;
      if (!responses.empty() && responses.front() <= now) {
        *b_valid = 1;
        if (*b_ready) responses.pop_front();
      }
      tick();
      if (moved) last_progress = cycle;
      if (cycle - last_progress > 200000) {
        fprintf(stderr, "no progress for 200000 cycles\n");
        exit(4);
      }
    }
    // running_o falls one cycle after the last one that the cycle counter counts.
    return cycle - origin - 1;
  }
};

int main(int argc, char** argv) {
  if (argc != 3) { fprintf(stderr, "usage: bench_main RUN_FILE ROUNDS\n"); return 2; }
  FILE* file = fopen(argv[1], "rb");
  if (!file) { perror(argv[1]); return 2; }
  auto number = [file]() {
    int64_t v = 0;
    if (fread(&v, 8, 1, file) != 1) { fprintf(stderr, "the run file is too short\n"); exit(2); }
    return v;
  };
  const int rounds = atoi(argv[2]);
  Bench bench;
  bench.beat_bytes = static_cast<int>(number());
  bench.wide_address = number() != 0;
  bench.read_latency = number();
  bench.read_interval = number();
  bench.write_latency = number();
  bench.write_interval = number();
  const uint32_t control = static_cast<uint32_t>(number());
  std::vector<std::pair<uint32_t, uint32_t>> registers(number());
  for (auto& r : registers) { r.first = static_cast<uint32_t>(number()); r.second = static_cast<uint32_t>(number()); }
  bench.memory.resize(number());
  if (fread(bench.memory.data(), 1, bench.memory.size(), file) != bench.memory.size()) { fprintf(stderr, "the run file is too short\n"); return 2; }
  fclose(file);
  bench.reset();
  for (int round = 0; round < rounds; round++) {
    const auto started = std::chrono::steady_clock::now();
    for (auto [offset, value] : registers) bench.write(offset, value);
    const int64_t cycles = bench.run(control);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    printf("%.6f %lld\n", seconds.count(), static_cast<long long>(cycles));
  }
  uint64_t hash = 14695981039346656037ULL;
  for (uint8_t b : bench.memory) hash = (hash ^ b) * 1099511628211ULL;
  printf("memory %016llx\n", static_cast<unsigned long long>(hash));
  return acc_failed(bench.handle) ? 1 : 0;
}
