using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl users rm</c>.</summary>
internal sealed class UsersRemoveCommand : Verb
{
    private readonly Argument<string> name = new("NAME") { Description = "The user" };

    public UsersRemoveCommand()
        : base("rm", "Removes a user, ends its requests and revokes its certificates", "tctl users rm alice") => Arguments.Add(name);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var user = parsed.GetValue(name)!;
        var removed = await ca.Send(Routes.RemoveUser, new RemoveUser(user), cancellation);
        parsed.Print(
            $"user '{user}' has been removed, {Wording.Count(removed.Ended.Length, "request")} ended, {Wording.Count(removed.Revoked.Length, "certificate")} revoked");
        return ExitCode.Done;
    }
}
