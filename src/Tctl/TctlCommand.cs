using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>The command line of tctl, with all of its commands.</summary>
internal sealed class TctlCommand : ProgramCommand
{
    public TctlCommand()
        : base("tctl", "Administers certauthority: roles, users and nodes, locks, requests, and what was signed")
    {
        Options.Add(new ServerOption());
        Options.Add(VersionCommand.Option());
        Subcommands.Add(new CreateCommand());
        Subcommands.Add(new ApplyCommand());
        Subcommands.Add(new GetCommand());
        Subcommands.Add(new RemoveCommand());
        Subcommands.Add(new EditCommand());
        Subcommands.Add(new LockCommand());
        Subcommands.Add(new Command("users", "Users")
        {
            new UsersAddCommand(), new UsersUpdateCommand(), new UsersListCommand(), new UsersRemoveCommand(),
        });
        Subcommands.Add(new Command("requests", "Requests for roles")
        {
            new RequestsListCommand(),
            new RequestsGetCommand(),
            new RequestsCreateCommand(),
            new RequestsApproveCommand(),
            new RequestsDenyCommand(),
            new RequestsRemoveCommand(),
            new RequestsCapabilitiesCommand(),
        });
        Subcommands.Add(new Command("access", "Who can log in where, and why")
        {
            new AccessExplainCommand(),
            new AccessWhoCommand(),
            new AccessReportCommand(),
            new Command("review", "Reviews of who has access, signed off")
            {
                new AccessReviewStartCommand(), new AccessReviewDoneCommand(), new AccessReviewListCommand(),
            },
        });
        Subcommands.Add(
            new Command("auth", "The authority's keys") { new AuthExportCommand(), new AuthSignCommand(), new AuthRotateCommand() });
        Subcommands.Add(
            new Command("nodes", "Hosts")
            {
                new NodesListCommand(),
                new NodesEnrollCommand(),
                new NodesHardenCommand(),
                new NodesSyncCommand(),
                new NodesExportCommand(),
                new NodesRemoveCommand(),
                new NodesTokenCommand(),
                new NodesTokensCommand(),
                new NodesEndTokenCommand(),
                new NodesJoinsCommand(),
                new NodesAdmitCommand(),
                new NodesRefuseCommand()
            });
        Subcommands.Add(new Command("certs", "Certificates") { new CertsListCommand(), new CertsRevokeCommand() });
        Subcommands.Add(new Command("audit", "What happened, and the proof of it")
        {
            new AuditListCommand(),
            new AuditCheckpointCommand(),
            new AuditProveCommand(),
            new AuditVerifyCommand(),
            new AuditExportCommand(),
            new AuditArchiveCommand(),
            new AuditAcceptCommand(),
        });
        Subcommands.Add(new Command("clock", "The clock of the daemon's host") { new ClockAcceptCommand() });
        Subcommands.Add(new UiCommand());
        Subcommands.Add(new BackupCommand());
        Subcommands.Add(new MigrateCommand());
        Subcommands.Add(new StatusCommand());
        Subcommands.Add(new CompletionCommand("tctl"));
        Subcommands.Add(new HelpCommand("tctl help", "tctl help create", "tctl help users add"));
        Subcommands.Add(new VersionCommand());
        Subcommands.Add(new CompleteCommand());
    }

    public override string? Show(NextStep step, ParseResult parsed) => NextStepText.Show(step);
}
