// Proof of acc_csr. Claimed, for any master whatever (it may withdraw requests), any status inputs, resets at any time:
//   - responses stay as they are while they wait;
//   - as many responses as requests: a write is answered once, after its address and its data were both accepted, a
//     read once; nothing is answered that was not asked for; an answer comes in the second cycle, or in the first after
//     that in which the one before it was taken; a write to the path table waits while a choice is made;
//   - READY depends on no input of its cycle: each is equal to a value that the harness keeps in registers;
//   - SLVERR if and only if the map below says so: addresses that do not exist or are not written, partial writes,
//     starts and clears while a program runs, unknown paths, in a program with a budget all words of a row that is not
//     withdrawn but its withdrawal, choices that were not made;
//   - the registers, the pulses and the copied row change by accepted writes alone and then to what was written, and a
//     read returns what was written last ("watched" is any of the plain registers);
//   - the active row is that of PathSelect at the start, then that of the last switch; it is copied then and at no
//     other time; a start and a switch never meet; the budget is that of the start;
//   - a row can be used if and only if it was written and is not withdrawn, a start is told of its own row; while a choice is
//     made this stays, and so does every row;
//   - an interrupt's status is set by its event and cleared by a write of ones or a clear alone.
// Assumed: a switch is to a row that exists, while a program runs. The contents of the path table are left out and any value is
// read from it: nothing is claimed of them. The map is written down a second time, from the manual's table.
// The last group of assertions ties the harness to the registers, so that the proof goes by induction.
module csr_proof (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        awvalid,
  input logic [15:0] awaddr,
  input logic        wvalid,
  input logic [31:0] wdata,
  input logic [3:0]  wstrb,
  input logic        bready,
  input logic        arvalid,
  input logic [15:0] araddr,
  input logic        rready,
  input logic        choosing,
  input logic        switch_path,
  input logic [4:0]  switch_row,
  input logic [4:0]  decisions,
  input logic [56:0] decision_value,
  input logic        running,
  input logic        stopping,
  input logic        ended,
  input logic        done,
  input logic        error,
  input logic [31:0] error_info,
  input logic [31:0] dispatched,
  input logic [31:0] queue_state,
  input logic [47:0] counter_value
);
  logic         awready, wready, bvalid, arready, rvalid, start, clear, stop, hash_ok, path_ok, interrupt;
  logic [1:0]   bresp, rresp;
  logic [31:0]  rdata, timeout, budget, usable;
  logic [39:0]  program_at, limit;
  logic [63:0]  keep;
  logic [511:0] extents;
  logic [7:0]   variant;
  logic [4:0]   counter, path;
  logic [3:0]   decision;
  acc_csr dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .awvalid_i(awvalid), .awready_o(awready), .awaddr_i(awaddr), .wvalid_i(wvalid),
    .wready_o(wready), .wdata_i(wdata), .wstrb_i(wstrb), .bvalid_o(bvalid), .bready_i(bready), .bresp_o(bresp),
    .arvalid_i(arvalid), .arready_o(arready), .araddr_i(araddr), .rvalid_o(rvalid), .rready_i(rready), .rdata_o(rdata),
    .rresp_o(rresp), .start_o(start), .clear_o(clear), .abort_o(stop), .timeout_o(timeout), .program_o(program_at),
    .hash_ok_o(hash_ok), .path_ok_o(path_ok), .memory_limit_o(limit), .keep_o(keep), .extents_o(extents), .variant_o(variant),
    .budget_o(budget), .path_o(path), .usable_o(usable), .choosing_i(choosing), .switch_i(switch_path), .switch_row_i(switch_row),
    .decisions_i(decisions), .decision_o(decision), .decision_value_i(decision_value), .running_i(running),
    .stopping_i(stopping), .ended_i(ended), .done_i(done), .error_i(error), .error_info_i(error_info),
    .dispatched_i(dispatched), .queue_state_i(queue_state), .counter_o(counter), .counter_value_i(counter_value),
    .interrupt_o(interrupt));

  (* hierconn *) wire [15:0] \dut.waddr_q ;
  (* hierconn *) wire [31:0] \dut.wdata_q ;
  (* hierconn *) wire [3:0]  \dut.wstrb_q ;
  (* hierconn *) wire [31:0] \dut.path_select_q ;
  (* hierconn *) wire [31:0] \dut.program_low_q ;
  (* hierconn *) wire [31:0] \dut.program_high_q ;
  (* hierconn *) wire [31:0] \dut.hash_low_q ;
  (* hierconn *) wire [31:0] \dut.hash_high_q ;
  (* hierconn *) wire [31:0] \dut.limit_low_q ;
  (* hierconn *) wire [31:0] \dut.limit_high_q ;
  (* hierconn *) wire [31:0] \dut.timeout_q ;
  (* hierconn *) wire [31:0] \dut.budget_q ;
  (* hierconn *) wire [31:0] \dut.budget_active_q ;
  (* hierconn *) wire [4:0]  \dut.path_q ;
  (* hierconn *) wire [3:0]  \dut.written_q ;
  (* hierconn *) wire [3:0]  \dut.withdrawn_q ;
  (* hierconn *) wire        \dut.copy ;
  (* hierconn *) wire [4:0]  \dut.copy_row ;
  (* hierconn *) wire        \dut.table_write ;
  (* hierconn *) wire [15:0] \dut.counter_high_q ;
  (* hierconn *) wire [1:0]  \dut.interrupt_enable_q ;
  (* hierconn *) wire [1:0]  \dut.interrupt_status_q ;

  localparam logic [15:0] Control = 16'h0010, Status = 16'h0014, Enable = 16'h0018, Path = 16'h001C, ProgramLow = 16'h0020,
                          ProgramHigh = 16'h0024, HashLow = 16'h0028, HashHigh = 16'h002C, LimitLow = 16'h0030,
                          LimitHigh = 16'h0034, Events = 16'h0044, Timeout = 16'h0048,
                          Budget = 16'h004C, Active = 16'h0050, Choices = 16'h0054;
  localparam int Paths = 4;

  // ---- the handshakes ----
  logic        started = 0;
  logic        have_aw, have_w, have_b, have_r, have_b_p, have_r_p, bready_p, rready_p, performed;
  logic [15:0] address;
  logic [31:0] data, rdata_p;
  logic [3:0]  strobes;
  logic [1:0]  bresp_p, rresp_p;
  logic [15:0] aws, ws, bs, ars, rs;         // accepted, modulo 2^16

  // ---- the map of the manual ----
  wire plain = address == Enable || address == Path || address == ProgramLow || address == ProgramHigh || address == HashLow
            || address == HashHigh || address == LimitLow || address == LimitHigh || address == Timeout || address == Budget;
  wire table_at_w = address >= 16'h1000 && address < 16'h1000 + Paths * 128 && address[1:0] == 0
                 && (address % 128 < 16 || address % 128 >= 64);
  wire table_at_r = araddr >= 16'h1000 && araddr < 16'h1000 + Paths * 128 && araddr[1:0] == 0
                 && (araddr % 128 < 16 || araddr % 128 >= 64);
  wire  perform = have_aw && have_w && !have_b
               && !(choosing && address[15:12] == 1 && address < 16'h1000 + Paths * 128 && (address % 128 < 16 || address % 128 >= 64));
  wire [1:0] row_at_w = address[8:7];
  wire withdrawal = table_at_w && address % 128 == 12;
  // Rows of a program that chooses among them are written when they are withdrawn.
  wire row_ok = !(running && frame_budget != 0) || withdrawal || withdrawn[row_at_w];
  wire choice_at_r = araddr >= 16'h0100 && araddr < 16'h0180 && araddr[1:0] == 0;
  wire control_ok = data == 4 || ((data == 1 || data == 2) && !running && !start);
  wire write_ok   = strobes == 4'hF && (address == Control ? control_ok : address == Path ? data < Paths
                    : plain || address == Events || (table_at_w && row_ok));
  wire read_ok    = araddr[1:0] == 0 && (araddr <= Choices || (araddr >= 16'h0200 && araddr < 16'h0300) || (choice_at_r && araddr[6:3] < decisions) || table_at_r);

  // ---- what a write does ----
  (* anyconst *) logic [15:0] watched;
  logic [31:0] changed;                      // bits of the watched register that differ from its value after reset
  logic [1:0]  events, enabled;
  wire  [31:0] initial_value = watched == LimitLow ? 32'hFFFF_FFFF : watched == LimitHigh ? 32'h0000_00FF : 32'd0;
  wire  [31:0] held = changed ^ initial_value;
  wire  [31:0] written = watched == Enable ? {30'd0, data[1:0]} : data;
  logic        expect_start, expect_clear, expect_stop, read_watched, read_refused;
  logic [31:0] read_value;
  logic [63:0] keep_p;
  logic [511:0] extents_p;
  logic [7:0]  variant_p;
  logic [39:0] limit_p;
  logic [15:0] high, read_high_value;         // of the counter whose low word was read last
  logic        read_high;
  wire  counter_at_r = araddr >= 16'h0200 && araddr < 16'h0300 && araddr[1:0] == 0;
  logic        expect_refused;
  logic [31:0] frame_budget, budget_next;
  logic [4:0]  active, selected;
  logic [Paths-1:0] known, withdrawn;         // rows that were written, rows that are withdrawn
  logic        copied, choosing_p, read_told, read_withdrawal, withdrawal_value;
  logic [31:0] usable_p, told;                // what is read of registers that the inputs give
  wire  begins = perform && write_ok && address == Control && data == 1;

  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      have_aw <= 0; have_w <= 0; have_b <= 0; have_r <= 0; have_b_p <= 0; have_r_p <= 0; bready_p <= 0; rready_p <= 0;
      address <= 0; data <= 0; strobes <= 0; rdata_p <= 0; bresp_p <= 0; rresp_p <= 0;
      aws <= 0; ws <= 0; bs <= 0; ars <= 0; rs <= 0;
      changed <= 0; events <= 0; enabled <= 0;
      expect_start <= 0; expect_clear <= 0; expect_stop <= 0; read_watched <= 0; read_refused <= 0; read_value <= 0;
      keep_p <= '1; extents_p <= '0; variant_p <= '0; limit_p <= '1; expect_refused <= 0;
      high <= 0; read_high <= 0; read_high_value <= 0;
      frame_budget <= 0; budget_next <= 0; active <= 0; selected <= 0; known <= 0; withdrawn <= 0; copied <= 0; choosing_p <= 0; usable_p <= 0;
      read_told <= 0; told <= 0; read_withdrawal <= 0; withdrawal_value <= 0;
    end else begin
      if (awvalid && awready) address <= awaddr;
      if (wvalid && wready) begin
        data    <= wdata;
        strobes <= wstrb;
      end
      have_aw <= (awvalid && awready) || (have_aw && !perform);
      have_w  <= (wvalid && wready) || (have_w && !perform);
      have_b  <= perform || (have_b && !bready);
      have_r  <= (arvalid && arready) || (have_r && !rready);
      aws <= aws + (awvalid && awready);
      ws  <= ws + (wvalid && wready);
      bs  <= bs + (bvalid && bready);
      ars <= ars + (arvalid && arready);
      rs  <= rs + (rvalid && rready);
      have_b_p <= bvalid && !bready;
      have_r_p <= rvalid && !rready;
      bresp_p  <= bresp;
      rresp_p  <= rresp;
      rdata_p  <= rdata;

      if (perform) expect_refused <= !write_ok;
      expect_start <= perform && write_ok && address == Control && data == 1;
      expect_clear <= perform && write_ok && address == Control && data == 2;
      expect_stop  <= perform && write_ok && address == Control && data == 4;
      if (perform && write_ok && address == watched) changed <= written ^ initial_value;
      if (perform && write_ok && address == Enable) enabled <= data[1:0];
      events <= (clear ? 2'b00 : perform && write_ok && address == Events ? events & ~data[1:0] : events) | {ended && error, ended};
      if (arvalid && arready) begin
        read_watched <= araddr == watched;
        read_refused <= !read_ok;
        read_value   <= held;
        read_high    <= counter_at_r && araddr[2];
        read_high_value <= high;
        if (counter_at_r && !araddr[2]) high <= counter_value[47:32];
        read_told <= araddr == Active || araddr == Choices || (choice_at_r && read_ok);
        told      <= araddr == Active ? {27'd0, active} : araddr == Choices ? {27'd0, decisions} : araddr[2] ? {7'd0, decision_value[56:32]} : decision_value[31:0];
        read_withdrawal  <= table_at_r && araddr % 128 == 12;
        withdrawal_value <= withdrawn[araddr[8:7]];
      end
      if (perform && write_ok && address == Budget) budget_next <= data;
      if (perform && write_ok && address == Path) selected <= data[4:0];
      if (begins) frame_budget <= budget_next;
      if (begins) active <= selected;
      else if (switch_path) active <= switch_row;
      if (perform && write_ok && withdrawal) withdrawn[row_at_w] <= data[0];
      else if (perform && write_ok && table_at_w) known[row_at_w] <= 1;
      copied     <= begins || switch_path;
      choosing_p <= choosing;
      usable_p   <= usable;
      keep_p    <= keep;
      extents_p <= extents;
      variant_p <= variant;
      limit_p   <= limit;
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    assume (watched == Enable || watched == Path || watched == ProgramLow || watched == ProgramHigh || watched == HashLow
            || watched == HashHigh || watched == LimitLow || watched == LimitHigh || watched == Timeout || watched == Budget);
    assume (!switch_path || (running && switch_row < Paths));
    if (started) begin
      WriteResponseStable_A : assert (!have_b_p || (bvalid && bresp == bresp_p));
      ReadResponseStable_A : assert (!have_r_p || (rvalid && rresp == rresp_p && rdata == rdata_p));
      ReadyFromRegisters_A : assert (awready == !have_aw && wready == !have_w && arready == !have_r);
      ResponsesWhenDue_A : assert (bvalid == have_b && rvalid == have_r);
      OneResponseAWrite_A : assert (16'(aws - bs) == have_aw + have_b && 16'(ws - bs) == have_w + have_b);
      OneResponseARead_A : assert (16'(ars - rs) == have_r);
      WriteRefusedAsMapped_A : assert (!bvalid || bresp == (expect_refused ? 2'b10 : 2'b00));
      ReadRefusedAsMapped_A : assert (!rvalid || rresp == (read_refused ? 2'b10 : 2'b00));
      PulsesByWrites_A : assert (start == expect_start && clear == expect_clear && stop == expect_stop);
      CopiedByStartOrSwitch_A : assert (copied || (keep == keep_p && extents == extents_p && variant == variant_p));
      LimitKept_A : assert (expect_start || limit == limit_p);
      OneRowAtATime_A : assert (!(begins && switch_path) && \dut.copy == (begins || switch_path)
                                && (!\dut.copy || \dut.copy_row == (switch_path ? switch_row : selected)));
      ActiveRow_A : assert (path == active);
      BudgetOfStart_A : assert (budget == frame_budget);
      UsableRows_A : assert (usable == {28'd0, known & ~withdrawn});
      PathOk_A : assert (path_ok == (active < Paths && known[active[1:0]] && !withdrawn[active[1:0]]));
      UsableWhileChosen_A : assert (!choosing || !\dut.table_write );
      UsableStays_A : assert (!choosing_p || usable == usable_p);
      DecisionAsked_A : assert (decision == araddr[6:3]);
      ReadsWhatIsTold_A : assert (!(rvalid && read_told) || rdata == told);
      ReadsWithdrawal_A : assert (!(rvalid && read_withdrawal) || rdata == {31'd0, withdrawal_value});
      ReadsWhatWasWritten_A : assert (!(rvalid && read_watched) || rdata == read_value);
      HighOfTheLowWord_A : assert (!(rvalid && read_high) || rdata == {16'd0, read_high_value});
      InterruptByEvents_A : assert (interrupt == ((events & enabled) != 0));
      TimeoutByWrites_A : assert (watched != Timeout || timeout == held);
      ProgramByWrites_A : assert ((watched != ProgramLow || program_at[31:0] == held)
                                  && (watched != ProgramHigh || program_at[39:32] == held[7:0]));
      LimitOfStart_A : assert (!expect_start
        || ((watched != LimitLow || limit[31:0] == held) && (watched != LimitHigh || limit[39:32] == held[7:0])));

      High_A : assert (\dut.counter_high_q == high);
      Captured_A : assert (\dut.waddr_q == address && \dut.wdata_q == data && \dut.wstrb_q == strobes);
      Events_A : assert (\dut.interrupt_status_q == events && \dut.interrupt_enable_q == enabled);
      Held_A : assert (held == (watched == Enable ? {30'd0, \dut.interrupt_enable_q } : watched == Path ? \dut.path_select_q
        : watched == ProgramLow ? \dut.program_low_q : watched == ProgramHigh ? \dut.program_high_q
        : watched == HashLow ? \dut.hash_low_q : watched == HashHigh ? \dut.hash_high_q
        : watched == LimitLow ? \dut.limit_low_q : watched == LimitHigh ? \dut.limit_high_q
        : watched == Budget ? \dut.budget_q : \dut.timeout_q ));
      Rows_A : assert (\dut.path_q == active && {27'd0, selected} == \dut.path_select_q && selected < Paths && active < Paths);
      Budgets_A : assert (\dut.budget_q == budget_next && \dut.budget_active_q == frame_budget);
      Marks_A : assert (\dut.written_q == known && \dut.withdrawn_q == withdrawn);
    end
  end
endmodule
