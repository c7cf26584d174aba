// Proof of acc_semaphores. Claimed of each of the sixteen semaphores, for users who take only what is available, give
// from one queue at a time and have at most 255 tokens on the way (the block's own assertions check these of its users
// in simulation), programs started and resets at any time:
//   - no token is lost or made: a token is available if and only if more were given than taken since the start;
//   - what happens to one semaphore does not touch another: "which" is any of them and constant, the rest run freely;
//   - after clr_i nothing is available.
// given and taken count without bound within the depth of the proof (16 bits, differences modulo 2^16).
// The last assertion ties the count to the register, so that the proof goes by induction.
module semaphores_proof (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clr_i,
  input logic [15:0] give_load,
  input logic [15:0] give_compute,
  input logic [15:0] give_vector,
  input logic [15:0] give_read,
  input logic [15:0] give_written,
  input logic [15:0] take
);
  logic [15:0] available;
  acc_semaphores dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .clr_i(clr_i), .give_load_i(give_load), .give_compute_i(give_compute),
    .give_vector_i(give_vector), .give_read_i(give_read), .give_written_i(give_written), .take_i(take),
    .available_o(available));

  (* hierconn *) wire [7:0] \dut.gen_sem[0].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[1].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[2].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[3].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[4].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[5].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[6].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[7].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[8].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[9].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[10].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[11].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[12].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[13].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[14].count_q ;
  (* hierconn *) wire [7:0] \dut.gen_sem[15].count_q ;
  wire [127:0] counts     = {\dut.gen_sem[15].count_q , \dut.gen_sem[14].count_q , \dut.gen_sem[13].count_q ,
                             \dut.gen_sem[12].count_q , \dut.gen_sem[11].count_q , \dut.gen_sem[10].count_q ,
                             \dut.gen_sem[9].count_q , \dut.gen_sem[8].count_q , \dut.gen_sem[7].count_q ,
                             \dut.gen_sem[6].count_q , \dut.gen_sem[5].count_q , \dut.gen_sem[4].count_q ,
                             \dut.gen_sem[3].count_q , \dut.gen_sem[2].count_q , \dut.gen_sem[1].count_q ,
                             \dut.gen_sem[0].count_q };

  (* anyconst *) logic [3:0] which;
  wire [4:0] gives = {give_load[which], give_compute[which], give_vector[which], give_read[which], give_written[which]};

  logic        started = 0, cleared;
  logic [15:0] given, taken;
  wire  [15:0] there = given - taken;
  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      given   <= 0;
      taken   <= 0;
      cleared <= 1;
    end else begin
      cleared <= clr_i;
      if (clr_i) begin
        given <= 0;
        taken <= 0;
      end else begin
        given <= given + gives[0] + gives[1] + gives[2] + gives[3] + gives[4];
        taken <= taken + take[which];
      end
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    assume ((gives & (gives - 5'd1)) == 0);
    assume (!take[which] || there != 0);
    assume (gives == 0 || take[which] || there != 255);
    if (started) begin
      AvailableIffGiven_A : assert (available[which] == (there != 0));
      ClearEmpties_A : assert (!cleared || !available[which]);

      Count_A : assert (there == counts[which * 8 +: 8]);
    end
  end
endmodule
