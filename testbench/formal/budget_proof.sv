// Proof of acc_budget. Claimed, for any commands, budgets, cycles and rows, starts and resets at any time:
//   - from begin_i to done_o it is nine cycles, whatever is chosen, with a budget and without;
//   - a choice is made if and only if there is a budget, the active row is in From, no command before it in its chain has
//     chosen, and a candidate fits or the command has a fallback;
//   - the row is that of the first usable candidate that fits; with a fallback, where none does, that of the last one if it
//     is usable; else the active one. switch_o tells of another row alone;
//   - choices, and they alone, are recorded, with the cycle, the number, both rows and whether it fits, up to the sixteenth;
//     later ones leave the record and the count as they are.
// Assumed: a command, the active row and the budget stay from begin_i to done_o, usable rows from the cycle behind begin_i on
// (acc_csr holds writes back meanwhile, see csr_proof), and no command begins before the one in front of it is done.
// The rule is written down a second time, over all candidates at once. The last group of assertions ties the harness to the
// registers, so that the proof goes by induction. The sums are taken of the cycle that the block keeps, which Acts_A shows to be
// that of begin_i: sums of the same things are the same to the solver.
module budget_proof (
  input logic         clk_i,
  input logic         rst_ni,
  input logic         clr,
  input logic [31:0]  any_budget,
  input logic [47:0]  elapsed,
  input logic [31:0]  any_usable,
  input logic [4:0]   any_path,
  input logic         go,
  input logic [511:0] any_command
);
  localparam int Candidates = 8, Entries = 16, Due = 9;

  // ---- what stays from the command on ----
  logic [3:0]   age;                         // cycles since begin_i, 0 while there is no command
  logic [511:0] command_p;
  logic [31:0]  usable_p, budget_p;
  logic [4:0]   path_p;
  wire [511:0] command = age == 0 ? any_command : command_p;
  wire [31:0]  usable  = age < 2 ? any_usable : usable_p;
  wire [31:0]  budget  = age == 0 ? any_budget : budget_p;
  wire [4:0]   path    = age == 0 ? any_path : path_p;

  (* anyconst *) logic [3:0] watched;        // an entry of the record; reading another one changes nothing
  logic        done, choosing, switch_row;
  logic [4:0]  row, decisions;
  logic [56:0] decision;
  acc_budget dut (
    .clk_i(clk_i), .rst_ni(rst_ni), .clr_i(clr), .budget_i(budget), .elapsed_i(elapsed), .usable_i(usable), .path_i(path),
    .begin_i(go), .command_i(command), .done_o(done), .choosing_o(choosing), .switch_o(switch_row), .row_o(row),
    .decisions_o(decisions), .index_i(watched), .decision_o(decision));

  (* hierconn *) wire        \dut.busy_q ;
  (* hierconn *) wire        \dut.acts_q ;
  (* hierconn *) wire        \dut.found_q ;
  (* hierconn *) wire        \dut.hit_q ;
  (* hierconn *) wire        \dut.fits_q ;
  (* hierconn *) wire [3:0]  \dut.candidate_q ;
  (* hierconn *) wire [4:0]  \dut.row_q ;
  (* hierconn *) wire [47:0] \dut.elapsed_q ;

  // ---- the command, field by field from the manual ----
  wire [31:0] from      = command[159:128];
  wire [7:0]  number    = command[167:160];
  wire [3:0]  count     = command[171:168];
  wire        continues = command[172];
  wire        fallback  = command[173];

  // ---- what the harness remembers ----
  logic         started = 0;
  logic [47:0]  at;
  logic         acts, found;
  logic [4:0]   made;
  logic [56:0]  expected;

  // ---- the rule ----
  logic [Candidates-1:0] fitting, first, lasting, looked, taken;
  logic [4:0]            fitting_row, last_row, pick, taken_row;
  logic                  last_usable, chosen, fits;
  always_comb begin
    fitting_row = 0;
    last_row    = path;
    last_usable = 0;
    for (int c = 0; c < Candidates; c++) begin
      fitting[c] = c < count && command[192 + 40 * c +: 8] < 32 && usable[command[192 + 40 * c +: 5]]
                && 49'(\dut.elapsed_q ) + 49'(command[200 + 40 * c +: 32]) <= 49'(budget);
      lasting[c] = fallback && count == c + 1 && command[192 + 40 * c +: 8] < 32 && usable[command[192 + 40 * c +: 5]];
      if (lasting[c]) begin
        last_row    = command[192 + 40 * c +: 5];
        last_usable = 1;
      end
    end
    // The lowest of the bits that are set.
    first = fitting & (~fitting + 8'd1);
    for (int c = 0; c < Candidates; c++) fitting_row |= first[c] ? command[192 + 40 * c +: 5] : 5'd0;
    fits   = fitting != 0;
    pick   = fits ? fitting_row : last_row;
    chosen = acts && (fits || fallback);
    // As far as the candidates have been looked at.
    looked = age == 0 ? 8'h00 : 8'((9'd1 << (age - 1)) - 9'd1);
    taken  = (fitting | lasting) & looked;
    taken_row = path;
    for (int c = Candidates - 1; c >= 0; c--) if (taken[c]) taken_row = command[192 + 40 * c +: 5];
  end

  always_ff @(posedge clk_i) started <= 1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      age <= 0; at <= 0; acts <= 0; found <= 0; made <= 0; expected <= 0;
      command_p <= 0; usable_p <= 0; budget_p <= 0; path_p <= 0;
    end else begin
      command_p <= command;
      usable_p  <= usable;
      budget_p  <= budget;
      path_p    <= path;
      if (clr) begin
        age   <= 0;
        found <= 0;
        made  <= 0;
      end else if (go) begin
        age  <= 1;
        at   <= elapsed;
        acts <= budget != 0 && from[path] && !(continues && found);
        if (!continues) found <= 0;
      end else if (age == Due) begin
        age <= 0;
        if (chosen) begin
          found <= 1;
          if (made < Entries) begin
            made <= made + 1;
            if (made == watched) expected <= {fits, 3'd0, pick, 3'd0, path, number, at > 48'hFFFF_FFFF ? 32'hFFFF_FFFF : at[31:0]};
          end
        end
      end else if (age != 0) begin
        age <= age + 1;
      end
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    assume (!go || age == 0);
    if (started) begin
      SameTimeForAll_A : assert (done == (age == Due));
      SwitchByTheRule_A : assert (switch_row == (age == Due && chosen && pick != path));
      RowOfTheRule_A : assert (!switch_row || row == pick);
      OnlyUsableRows_A : assert (!switch_row || usable[row]);
      ChoosingTold_A : assert (choosing == (age != 0 && age != Due && acts));
      ChoicesCounted_A : assert (decisions == made);
      ChoicesRecorded_A : assert (watched >= made || decision == expected);

      Ages_A : assert (age <= Due && made <= Entries);
      Busy_A : assert (\dut.busy_q == (age != 0 && age != Due) && (!\dut.busy_q || \dut.candidate_q == age - 1));
      Acts_A : assert (age == 0 || (\dut.acts_q == acts && \dut.elapsed_q == at));
      ActsByBudget_A : assert (age == 0 || !acts || budget != 0);
      Found_A : assert (\dut.found_q == found);
      Taken_A : assert (age == 0 || (\dut.hit_q == (acts && taken != 0) && \dut.row_q == (acts ? taken_row : path)));
      Fits_A : assert (age == 0 || \dut.fits_q == (acts && (fitting & taken & (~taken + 8'd1)) != 0));
    end
  end
endmodule
