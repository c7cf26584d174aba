// Proof of the path table of acc_csr. Claimed, for any writes and reads, starts and switches, resets at any time, and any word of
// any row that is followed: accepted writes alone change it, and to what was written; a read of it gives that; the active path
// has what the active row had when it was copied, by a start or by a switch, whatever is written later.
// Assumed: a switch is to a row that exists, while a program runs. What csr_proof shows of answers and refusals is used: the
// harness takes from the registers which write is performed.
module table_proof (
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
  input logic        running
);
  logic         awready, wready, arready, rvalid;
  logic [31:0]  rdata;
  logic [63:0]  keep;
  logic [511:0] extents;
  logic [7:0]   variant;
  logic [4:0]   path;
  acc_csr dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .awvalid_i(awvalid), .awready_o(awready), .awaddr_i(awaddr), .wvalid_i(wvalid),
    .wready_o(wready), .wdata_i(wdata), .wstrb_i(wstrb), .bready_i(bready),
    .arvalid_i(arvalid), .arready_o(arready), .araddr_i(araddr), .rvalid_o(rvalid), .rready_i(rready), .rdata_o(rdata),
    .keep_o(keep), .extents_o(extents), .variant_o(variant), .path_o(path), .choosing_i(choosing),
    .switch_i(switch_path), .switch_row_i(switch_row), .running_i(running));

  (* hierconn *) wire         \dut.do_write ;
  (* hierconn *) wire         \dut.refused ;
  (* hierconn *) wire [15:0]  \dut.waddr_q ;
  (* hierconn *) wire [31:0]  \dut.wdata_q ;
  (* hierconn *) wire [31:0]  \dut.path_select_q ;
  (* hierconn *) wire [63:0]  \dut.keep_mem[0] ;
  (* hierconn *) wire [63:0]  \dut.keep_mem[1] ;
  (* hierconn *) wire [63:0]  \dut.keep_mem[2] ;
  (* hierconn *) wire [63:0]  \dut.keep_mem[3] ;
  (* hierconn *) wire [7:0]   \dut.variant_mem[0] ;
  (* hierconn *) wire [7:0]   \dut.variant_mem[1] ;
  (* hierconn *) wire [7:0]   \dut.variant_mem[2] ;
  (* hierconn *) wire [7:0]   \dut.variant_mem[3] ;
  (* hierconn *) wire [511:0] \dut.extent_mem[0] ;
  (* hierconn *) wire [511:0] \dut.extent_mem[1] ;
  (* hierconn *) wire [511:0] \dut.extent_mem[2] ;
  (* hierconn *) wire [511:0] \dut.extent_mem[3] ;

  // ---- the word that is followed ----
  (* anyconst *) logic [1:0] row;
  (* anyconst *) logic [4:0] word;           // 0, 1: keep bits; 2: variant; 16 to 31: dynamic registers
  wire [15:0] place = 16'h1000 + {7'd0, row, word, 2'd0};
  wire [31:0] mask  = word == 2 ? 32'h0000_00FF : 32'hFFFF_FFFF;
  wire [63:0]  keep_there    = row == 0 ? \dut.keep_mem[0] : row == 1 ? \dut.keep_mem[1] : row == 2 ? \dut.keep_mem[2] : \dut.keep_mem[3] ;
  wire [7:0]   variant_there = row == 0 ? \dut.variant_mem[0] : row == 1 ? \dut.variant_mem[1] : row == 2 ? \dut.variant_mem[2] : \dut.variant_mem[3] ;
  wire [511:0] extents_there = row == 0 ? \dut.extent_mem[0] : row == 1 ? \dut.extent_mem[1] : row == 2 ? \dut.extent_mem[2] : \dut.extent_mem[3] ;

  logic        started = 0;
  logic        known, copied, read_it;       // the word was written; it was known when its row was copied, which is active
  logic [31:0] value, active, read_value;
  wire  begins = \dut.do_write && !\dut.refused && \dut.waddr_q == 16'h0010 && \dut.wdata_q == 1;
  wire [4:0] next_row = switch_path ? switch_row : \dut.path_select_q [4:0];

  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      known <= 0; copied <= 0; read_it <= 0; value <= 0; active <= 0; read_value <= 0;
    end else begin
      if (\dut.do_write && !\dut.refused && \dut.waddr_q == place) begin
        known <= 1;
        value <= \dut.wdata_q & mask;
      end
      if (begins || switch_path) begin
        copied <= known && next_row == row;
        active <= value;
      end
      if (arvalid && arready) begin
        read_it    <= known && araddr == place;
        read_value <= value;
      end
    end
  end

  wire [31:0] word_there  = word == 0 ? keep_there[31:0] : word == 1 ? keep_there[63:32] : word == 2 ? {24'd0, variant_there} : extents_there[32 * word[3:0] +: 32];
  wire [31:0] word_active = word == 0 ? keep[31:0] : word == 1 ? keep[63:32] : word == 2 ? {24'd0, variant} : extents[32 * word[3:0] +: 32];
  always_comb begin
    assume (started || !rst_ni);
    assume (word < 3 || word >= 16);
    assume (!switch_path || (running && switch_row < 4));
    if (started) begin
      ReadsWhatWasWritten_A : assert (!(rvalid && read_it) || rdata == read_value);
      CopiedAsWritten_A : assert (!copied || (path == row && word_active == active));

      Kept_A : assert (!known || word_there == value);
      Selected_A : assert (\dut.path_select_q < 4);
    end
  end
endmodule
