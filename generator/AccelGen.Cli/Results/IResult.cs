namespace AccelGen.Cli.Results;

/// <summary>
/// What a command gives to programs, as <c>--json</c> writes it: names in camel case, a number that is not finite as null. The
/// schema of all results is <see cref="ResultSchema"/>.
/// </summary>
internal interface IResult;
