// Proof of acc_load as a master of the read channels. Claimed, for any commands without a zero count, halts and resets
// at any time, clears while no burst is open, and any slave that answers only what it was asked:
//   - an address, once offered, stays with its payload until it is accepted;
//   - no burst crosses 4 KiB, is longer than 16 beats, is misaligned or reaches beyond the memory limit;
//   - at most 4 bursts are open, and a beat that is taken belongs to one of them;
//   - no queue inside is pushed when full or popped when empty (the module's and the buffers' own assertions, which are
//     proven with it).
// What the queues hold is left free: the command at the head and the bits beside a burst are any in every cycle.
module load_proof (
  input logic         clk_i,
  input logic         rst_ni,
  input logic         clr,
  input logic         halt,
  input logic         push,
  input logic [513:0] entry,
  input logic [15:0]  available,
  input logic         arready,
  input logic         rvalid,
  input logic [63:0]  rdata,
  input logic [1:0]   rresp,
  input logic         rlast
);
  localparam int Open = 4, Beats = 16;
  (* anyconst *) logic [39:0] limit;
  logic        full, arvalid, rready, bus_busy;
  logic [31:0] araddr;
  logic [7:0]  arlen;
  acc_load dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .clr_i(clr), .halt_i(halt), .memory_limit_i(limit), .push_i(push), .entry_i(entry),
    .full_o(full), .available_i(available), .arvalid_o(arvalid), .arready_i(arready), .araddr_o(araddr), .arlen_o(arlen),
    .rvalid_i(rvalid), .rready_o(rready), .rdata_i(rdata), .rresp_i(rresp), .rlast_i(rlast), .bus_busy_o(bus_busy));

  (* hierconn *) wire [513:0] \dut.head ;
  (* hierconn *) wire         \dut.state_q ;
  (* hierconn *) wire [31:0]  \dut.left_q ;
  (* hierconn *) wire [31:0]  \dut.seg_beats_q ;
  (* hierconn *) wire [2:0]   \dut.u_bursts.count_q ;
  (* hierconn *) wire [2:0]   \dut.u_queue.count_q ;
  (* hierconn *) wire [2:0]   \dut.u_desc.count_q ;

  logic        started = 0, waiting;
  logic [7:0]  open, arlen_p;                // bursts accepted whose last beat has not come
  logic [31:0] araddr_p;
  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      open     <= 0;
      waiting  <= 0;
      araddr_p <= 0;
      arlen_p  <= 0;
    end else begin
      open     <= open + (arvalid && arready) - (rvalid && rready && rlast);
      waiting  <= arvalid && !arready;
      araddr_p <= araddr;
      arlen_p  <= arlen;
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    assume (!(push && full));
    assume (!rvalid || open != 0);
    assume (!clr || !bus_busy);
    assume (\dut.head [227:208] != 0 && \dut.head [93:82] != 0);
    if (started) begin
      AddressStable_A : assert (!waiting || (arvalid && araddr == araddr_p && arlen == arlen_p));
      Inside4K_A : assert (!arvalid || araddr[11:0] + (arlen + 13'd1) * 8 <= 4096);
      NotTooLong_A : assert (!arvalid || arlen < Beats);
      Aligned_A : assert (!arvalid || araddr[2:0] == 0);
      InsideMemory_A : assert (!arvalid || araddr + (arlen + 42'd1) * 8 <= limit);
      Credits_A : assert (open + arvalid <= Open);

      Open_A : assert (open + arvalid == \dut.u_bursts.count_q );
      Counts_A : assert (\dut.u_queue.count_q <= 4 && \dut.u_desc.count_q <= 4);
      Left_A : assert (!\dut.state_q || (\dut.left_q != 0 && \dut.seg_beats_q != 0));
    end
  end
endmodule
