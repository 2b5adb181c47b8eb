using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// <c>tctl migrate</c>, which only names the program that does it. The daemon must not run meanwhile, and tctl has neither its settings nor
/// its database.
/// </summary>
internal sealed class MigrateCommand : CliCommand
{
    public MigrateCommand()
        : base(
            "migrate", "Names the command that moves the daemon's database to PostgreSQL: certauthority --migrate-to-postgres",
            "tctl migrate sqlite-to-postgres") =>
        Arguments.Add(new Argument<string?>("WHAT")
        {
            Description = "What would be moved where",
            Arity = ArgumentArity.ZeroOrOne,
            CompletionSources = { "sqlite-to-postgres" },
        });

    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation) => throw new FailureException(
        "the daemon's own program moves its database, on its host, while the daemon is stopped",
        "as the account of the daemon: certauthority --migrate-to-postgres");
}
