using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl rm</c>.</summary>
internal sealed class RemoveCommand : Verb
{
    private readonly Argument<string> resource = new("KIND/NAME") { Description = "role/dba, user/alice or node/db1" };
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also a role that users hold: it is taken from them" };

    public RemoveCommand()
        : base("rm", "Removes a role, user or node, and revokes what would not be issued without it", "tctl rm node/db1", "tctl rm -f role/dba")
    {
        Arguments.Add(resource);
        Options.Add(force);
        Validators.Add(result =>
        {
            if (result.GetResult(resource) is { Tokens: [var token] } && token.Value.Split('/') is not [{ Length: > 0 }, { Length: > 0 }])
                result.AddError($"'{token.Value}' is not KIND/NAME, such as role/dba");
        });
    }

    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var words = parsed.GetValue(resource)!.Split('/');
        return Remove(parsed, new RemoveResource(words[0].TrimEnd('s'), words[1], parsed.GetValue(force)), cancellation);
    }

    public static async Task<int> Remove(ParseResult parsed, RemoveResource remove, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        parsed.Show(await ca.Send(Routes.RemoveResource, remove, cancellation));
        return ExitCode.Done;
    }
}
