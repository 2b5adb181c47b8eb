using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The command line of tsh, with all of its commands.</summary>
internal sealed class TshCommand : ProgramCommand
{
    public TshCommand()
        : base("tsh", "Logs in to hosts with certificates that last minutes to hours, and asks for roles when more is needed")
    {
        Options.Add(new ServerOption(
            parsed => Home.Chosen(parsed).Memory.Servers, (parsed, servers) => Home.Chosen(parsed).InstallationOf(servers), "--proxy"));
        Options.Add(new UserOption { CompletionSources = { UserCompletions.Users } });
        Options.Add(new ProfileOption());
        Options.Add(VersionCommand.Option());
        Subcommands.Add(new LoginCommand());
        Subcommands.Add(new LogoutCommand());
        Subcommands.Add(new StatusCommand());
        Subcommands.Add(new ListCommand());
        Subcommands.Add(new SshCommand());
        Subcommands.Add(new ConfigCommand());
        Subcommands.Add(new RequestCommand());
        Subcommands.Add(new ReviewCommand());
        Subcommands.Add(new Command("access", "Why you can, or cannot, log in") { new AccessExplainCommand() });
        Subcommands.Add(new Command("certs", "Your certificates") { new CertsListCommand(), new CertsRevokeCommand() });
        Subcommands.Add(new UiCommand());
        Subcommands.Add(new RelayCommand());
        Subcommands.Add(new CompletionCommand("tsh"));
        Subcommands.Add(new HelpCommand("tsh help", "tsh help login", "tsh help request create"));
        Subcommands.Add(new VersionCommand());
        Subcommands.Add(new CompleteCommand(SshOptions.Separate));
    }

    public override string? Show(NextStep step, ParseResult parsed) => NextStepText.Show(step, ProfileOption.Chosen(parsed));
}
