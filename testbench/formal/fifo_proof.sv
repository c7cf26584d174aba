// Proof of acc_fifo for one depth. Claimed, for a user who neither pushes when full nor pops when empty, whatever
// else he does, clears and resets at any time included:
//   - full and empty are those of a count of entries that the harness keeps by itself, which stays within the depth;
//   - any entry, once pushed, comes out with its value after exactly the entries that were there before it;
//   - after clr_i the buffer is empty.
// The entry followed is any one: "follow" is free. The last group of assertions ties the harness to the registers, so
// that the proof goes by induction: hierconn makes Yosys join the names to those of the flattened module.
module fifo_proof #(
  parameter int Width = 4,
  parameter int Depth = 4
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             clr_i,
  input logic             push_i,
  input logic [Width-1:0] data_i,
  input logic             pop_i,
  input logic             follow
);
  logic             full, empty;
  logic [Width-1:0] data;
  acc_fifo #(.Width(Width), .Depth(Depth)) dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .clr_i(clr_i), .push_i(push_i), .data_i(data_i), .full_o(full),
    .pop_i(pop_i), .data_o(data), .empty_o(empty));

  localparam int IdxBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int CntBits = $clog2(Depth + 1);
  (* hierconn *) wire [IdxBits-1:0] \dut.wr_q ;
  (* hierconn *) wire [IdxBits-1:0] \dut.rd_q ;
  (* hierconn *) wire [CntBits-1:0] \dut.count_q ;
  // Entries beyond the depth do not exist: they stay unconnected and unread.
  (* hierconn *) wire [Width-1:0] \dut.mem[0] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[1] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[2] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[3] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[4] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[5] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[6] ;
  (* hierconn *) wire [Width-1:0] \dut.mem[7] ;
  wire [8*Width-1:0] entries = {\dut.mem[7] , \dut.mem[6] , \dut.mem[5] , \dut.mem[4] ,
                                \dut.mem[3] , \dut.mem[2] , \dut.mem[1] , \dut.mem[0] };

  logic [7:0]       count, ahead;            // entries in the buffer; those before the one that is followed
  logic             following, cleared, started = 0;
  logic [Width-1:0] value;

  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      cleared   <= 1;
      count     <= 0;
      ahead     <= 0;
      following <= 0;
      value     <= 0;
    end else begin
      cleared <= clr_i;
      if (clr_i) begin
        count     <= 0;
        following <= 0;
      end else begin
        count <= count + push_i - pop_i;
        if (following) begin
          if (pop_i) ahead <= ahead - 1;
          if (pop_i && ahead == 0) following <= 0;
        end else if (push_i && follow) begin
          following <= 1;
          value     <= data_i;
          ahead     <= count - pop_i;
        end
      end
    end
  end

  wire [7:0] place = 8'(\dut.rd_q ) + ahead;
  wire [7:0] slot  = place >= Depth ? place - Depth : place;
  wire [7:0] end_of_used = 8'(\dut.rd_q ) + count;
  always_comb begin
    assume (started || !rst_ni);
    assume (!(push_i && full));
    assume (!(pop_i && empty));
    if (started) begin
      InRange_A : assert (count <= Depth);
      Full_A : assert (full == (count == Depth));
      Empty_A : assert (empty == (count == 0));
      ClearEmpties_A : assert (!cleared || empty);
      NotLost_A : assert (!following || ahead < count);
      InOrder_A : assert (!(following && ahead == 0) || data == value);

      Count_A : assert (8'(\dut.count_q ) == count);
      Pointers_A : assert (\dut.wr_q < Depth && \dut.rd_q < Depth);
      Used_A : assert (8'(\dut.wr_q ) == (end_of_used >= Depth ? end_of_used - Depth : end_of_used));
      Held_A : assert (!following || entries[slot * Width +: Width] == value);
    end
  end
endmodule
