using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh ui</c>.</summary>
internal sealed class UiCommand() : Terminal.UiCommand(
    "Serves a web page for you alone: what waits for your review, your requests, and asking for more", "tsh ui", "tsh ui --idle=2h",
    "tsh ui --no-open --port=8022")
{
    protected override IEnumerable<string> Acting(ParseResult parsed)
    {
        var home = Home.Chosen(parsed);
        yield return $"--login-key={home.PublicKey}";
        yield return $"--tsh={Environment.ProcessPath}";
        if (UserOption.Chosen(parsed, home) is { } user)
            yield return $"--user={user}";
        if (home.InstallationOf(ServerOption.Chosen(parsed)) is { } installation)
            yield return $"--installation={installation}";
        if (home.Profile is { } profile)
            yield return $"--profile={profile}";
    }
}
