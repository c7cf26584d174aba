using AccelGen.Cli;

// Names in what is printed come from files: none of their characters may act on the terminal.
Console.SetOut(new PrintableWriter(Console.Out, "standard output"));
Console.SetError(new PrintableWriter(Console.Error, "standard error"));
return await CommandLine.RunAsync(args).ConfigureAwait(false);
