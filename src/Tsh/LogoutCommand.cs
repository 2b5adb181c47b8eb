using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh logout</c>.</summary>
internal sealed class LogoutCommand() : Verb("logout", "Removes the key and certificate in tsh's home; what --key and --out of login wrote elsewhere stays", "tsh logout")
{
    protected override Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.OfCaller();
        var user = home.UserLoggedIn();
        parsed.Print((home.Clear(), user) switch
        {
            (false, _) => "not logged in, nothing to remove",
            (true, null) => $"key removed from {home.Folder}",
            (true, _) => $"{user} has been logged out, key and certificate removed from {home.Folder}",
        });
        return Task.FromResult(ExitCode.Done);
    }
}
