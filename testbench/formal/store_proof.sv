// Proof of acc_store as a master of the write channels. Claimed, for any commands without a zero count, halts at any time
// that last until a clear, clears while no burst is open, resets at any time, and any slave that answers only bursts whose
// address and data it has accepted:
//   - an address and a beat of data, once offered, stay with their payload until they are accepted;
//   - no burst crosses 4 KiB, is longer than 16 beats, is misaligned or reaches beyond the memory limit;
//   - each burst has as many beats of data as its address says, the last and no other marked ("watched" is any burst);
//   - data are never ahead of the address that is offered with them, and at most a burst ahead of that accepted;
//   - once halted nothing is written but what was in the queues, and every burst is completed;
//   - a response waits for no more than the skipped commands before it, one cycle each; the block is busy on the bus until
//     all are in;
//   - no queue inside is pushed when full or popped when empty, no credit is lost or made (the module's and the buffers'
//     own assertions, which are proven with it).
// What is stored is left free: the words, and the command at the head of the queue in every cycle.
module store_proof (
  input logic         clk_i,
  input logic         rst_ni,
  input logic         clr,
  input logic         halt,
  input logic         push,
  input logic [513:0] entry,
  input logic [15:0]  available,
  input logic [63:0]  word,
  input logic         awready,
  input logic         wready,
  input logic         bvalid,
  input logic [1:0]   bresp
);
  localparam int Open = 4, Beats = 16;
  (* anyconst *) logic [39:0] limit;
  (* anyconst *) logic [3:0]  watched;
  logic        full, awvalid, wvalid, wstrb, wlast, bready, bus_busy;
  logic [31:0] awaddr;
  logic [7:0]  awlen;
  logic [63:0] wdata;
  acc_store dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .clr_i(clr), .halt_i(halt), .memory_limit_i(limit), .push_i(push), .entry_i(entry),
    .full_o(full), .available_i(available), .word_i(word), .awvalid_o(awvalid), .awready_i(awready), .awaddr_o(awaddr),
    .awlen_o(awlen), .wvalid_o(wvalid), .wready_i(wready), .wdata_o(wdata), .wstrb_o(wstrb), .wlast_o(wlast),
    .bvalid_i(bvalid), .bready_o(bready), .bresp_i(bresp), .bus_busy_o(bus_busy));

  (* hierconn *) wire [513:0] \dut.head ;
  (* hierconn *) wire [513:0] \dut.cmd_q ;
  (* hierconn *) wire [1:0]   \dut.state_q ;

  logic        started = 0, addressed, written, aw_waits, w_waits, halt_p, clr_p, busy_p;
  logic [3:0]  aws, ws, bs;                  // addresses, last beats and responses taken, modulo 16
  logic [8:0]  beats, length;                // beats of the watched burst and what its address says
  logic [31:0] awaddr_p;
  logic [7:0]  awlen_p;
  logic [65:0] w_p;
  logic [2:0]  waited;                       // cycles that a response has waited
  wire  [3:0]  aw_ahead = aws - bs, w_ahead = ws - bs;                // open bursts of which the slave knows
  wire         aw_now = awvalid && awready, w_now = wvalid && wready, b_now = bvalid && bready;

  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aws <= 0; ws <= 0; bs <= 0; beats <= 0; length <= 0; addressed <= 0; written <= 0;
      aw_waits <= 0; w_waits <= 0; halt_p <= 0; clr_p <= 0; busy_p <= 0; awaddr_p <= 0; awlen_p <= 0; w_p <= 0; waited <= 0;
    end else begin
      aws <= aws + aw_now;
      ws  <= ws + (w_now && wlast);
      bs  <= bs + b_now;
      if (aw_now && aws == watched) begin
        addressed <= 1;
        written   <= ws != watched ? 1'b0 : written;
        length    <= awlen + 9'd1;
      end
      if (w_now && ws == watched) begin
        beats   <= (written ? 9'd0 : beats) + 9'd1;
        written <= wlast;
      end
      // The number comes round again after 16 bursts.
      if (bs == watched && b_now) begin
        addressed <= 0;
        beats     <= 0;
        written   <= 0;
      end
      waited   <= bvalid && !bready ? waited + 3'd1 : 3'd0;
      aw_waits <= awvalid && !awready;
      w_waits  <= wvalid && !wready;
      awaddr_p <= awaddr;
      awlen_p  <= awlen;
      w_p      <= {wdata, wstrb, wlast};
      halt_p   <= halt;
      clr_p    <= clr;
      busy_p   <= bus_busy;
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    assume (!(push && full));
    // A slave answers a burst after its address and its last beat.
    assume (!bvalid || (aw_ahead != 0 && w_ahead != 0));
    // As the command processor does it: a halt lasts until a clear, which waits for the bus.
    assume (!(halt_p && !clr_p && rst_ni) || halt);
    assume (!clr || (halt && !bus_busy));
    assume (\dut.head [93:82] != 0 && \dut.head [142:136] != 0 && \dut.head [214:208] != 0 && \dut.head [227:216] != 0
            && \dut.head [239:228] != 0 && \dut.head [251:240] != 0 && \dut.head [263:252] != 0);
    if (started) begin
      AddressStable_A : assert (!aw_waits || (awvalid && awaddr == awaddr_p && awlen == awlen_p));
      DataStable_A : assert (!w_waits || (wvalid && {wdata, wstrb, wlast} == w_p));
      Inside4K_A : assert (!awvalid || awaddr[11:0] + (awlen + 13'd1) * 8 <= 4096);
      NotTooLong_A : assert (!awvalid || awlen < Beats);
      Aligned_A : assert (!awvalid || awaddr[2:0] == 0);
      InsideMemory_A : assert (!awvalid || awaddr + (awlen + 42'd1) * 8 <= limit);
      Open_A : assert (aw_ahead <= Open && w_ahead <= Open);
      BeatsOfTheBurst_A : assert (!addressed || !written || beats == length);
      NoBeatTooMany_A : assert (!addressed || beats <= length);
      DataWithTheirAddress_A : assert (!wvalid || aw_ahead != w_ahead || awvalid);
      AtMostABurstAhead_A : assert (4'(w_ahead - aw_ahead) == 1 || 4'(w_ahead - aw_ahead) == 0 || 4'(aw_ahead - w_ahead) <= Open);
      BusyUntilAnswered_A : assert (bus_busy || (aw_ahead == 0 && w_ahead == 0 && !awvalid && !wvalid));
      ResponseTaken_A : assert (waited <= Open);
      HaltEnds_A : assert (!(halt && halt_p && !busy_p && !clr_p) || !bus_busy);
    end
  end
endmodule
