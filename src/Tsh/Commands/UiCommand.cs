using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;

namespace CertAuthority.Tsh;

/// <summary><c>tsh ui</c>.</summary>
internal sealed class UiCommand() : Ui.UiCommand(
    "Serves a web page for you alone: what waits for your review, your requests, and asking for more", "tsh ui", "tsh ui --idle=120",
    "tsh ui --no-open --port=8022")
{
    // Somebody may have to find their security key first.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    protected override Desk Sit(ParseResult parsed, CaClient ca)
    {
        var home = Home.Chosen(parsed);
        var user = UserOption.Chosen(parsed, home);
        return new UserDesk(
            ca, home.Command("").TrimEnd(), user, (id, cancellation) => LogIn(LoginArguments(parsed, home, user, id), cancellation))
        {
            Show = parsed.Show,
        };
    }

    private static string[] LoginArguments(ParseResult parsed, Home home, string? user, string id) =>
    [
        "login", $"--request-id={id}", $"--server={ServerOption.Chosen(parsed)}", .. user is null ? (string[])[] : [$"--user={user}"],
        .. home.Profile is null ? (string[])[] : [$"--profile={home.Profile}"],
    ];

    // This program again: a login writes keys and certificates, and may talk to agents and security keys.
    private static async Task<(bool Done, string Said)> LogIn(string[] arguments, CancellationToken cancellation)
    {
        var (exitCode, output, error) = await InstalledProgram.Run(
            Environment.ProcessPath!, arguments, cancellation, Patience, "tsh login did not end in time, and was stopped");
        return (exitCode == ExitCode.Done, exitCode == ExitCode.Done ? output : error);
    }
}
