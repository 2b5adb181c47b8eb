using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl users update</c>.</summary>
internal sealed class UsersUpdateCommand : CliCommand
{
    private readonly Argument<string> name = new("NAME") { Description = "The user", CompletionSources = { AdminCompletions.Users } };
    private readonly HostsWait wait = new();
    private readonly ListOption roles = new("--set-roles", "The whole new list of roles; none takes every role away", "ROLE")
    {
        Instead = "to take every role away: --set-roles=none",
        CompletionSources = { AdminCompletions.Roles }
    };
    private readonly ListOption logins = new("--set-logins", "The whole new list of the trait logins", "LOGIN")
    {
        Instead = "to take every login away, remove spec.traits.logins: tctl edit user/NAME",
        Items = PlainNames.Logins,
    };
    private readonly ListOption unixUsers = new("--set-unix-users", "The whole new list of accounts", "ACCOUNT")
    {
        Instead = "for the account of the same name: --set-unix-users=NAME"
    };

    public UsersUpdateCommand()
        : base("update", "Replaces lists of a user; the others stay", "tctl users update --set-roles=access,contractor alice")
    {
        Arguments.Add(name);
        Options.Add(roles);
        Options.Add(logins);
        Options.Add(unixUsers);
        Options.Add(wait);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetResult(roles) is null && result.GetResult(logins) is null && result.GetResult(unixUsers) is null)
                result.AddError("nothing to change: give --set-roles, --set-logins or --set-unix-users");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var user = parsed.GetValue(name)!;
        using var ca = ServerOption.Connect(parsed);
        return await parsed.Show(await ca.Send(
            Routes.UpdateUser,
            new UpdateUser(user, roles.Given(parsed), logins.Given(parsed), unixUsers.Given(parsed)),
            cancellation), wait, ca, cancellation);
    }
}
