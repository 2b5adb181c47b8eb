namespace CertAuthority.Protocol;

/// <summary>
/// Explains in our own words why an ssh connection reaches no daemon. ssh reports errors only as text, so text that is not recognized is
/// passed on unchanged.
/// </summary>
internal static class SshFailure
{
    // ssh's own exit code for everything that goes wrong outside of the command (ssh(1), EXIT STATUS).
    private const int OfSsh = 255;
    private const int NotFound = 127;
    private const int NotExecutable = 126;
    // The exit code of a relay if nobody listens there.
    private const int Unreachable = 3;

    // ssh prints these only before any of our data was sent. "Connection closed by" is missing because ssh can print it later too.
    private static readonly string[] NoWay =
    [
        "Could not resolve hostname", "ssh: connect to host", "kex_exchange_identification", "banner exchange",
    ];

    /// <param name="server">The intended destination.</param>
    /// <param name="exitCode">The exit code of ssh.</param>
    /// <param name="said">The output of ssh on stderr, including text from the remote side.</param>
    public static UnreachableException From(ServerAddress.Ssh server, int exitCode, string said)
    {
        var lines = said.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var last = lines.LastOrDefault() ?? $"ssh exited with {exitCode}";
        var host = server.Host;
        return (exitCode, lines) switch
        {
            (OfSsh, _) when Says("Permission denied", "Too many authentication failures") => new(
                $"{host} does not let you in: {last}",
                $"{Ssh(server)} must work first; no key of a certificate is tried, for the host of the daemon must not trust its own")
            { IsLasting = true },
            (OfSsh, _) when Says("REMOTE HOST IDENTIFICATION HAS CHANGED") => new(
                $"the host key of {host} has changed; somebody may be in between", $"ask whoever runs it, then: ssh-keygen -R {host}")
            { IsLasting = true },
            (OfSsh, _) when Says("Host key verification failed") =>
                new($"the host key of {host} is not known", $"connect once by hand and compare it: {Ssh(server)}") { IsLasting = true },
            (OfSsh, _) when Says("Bad configuration option", "Bad owner or permissions", "terminating, ") =>
                new($"ssh does not start: {last}") { IsLasting = true },
            (OfSsh, _) when Says(NoWay) => new($"{host} cannot be reached: {last}", "is the network up, and the name right?"),
            (OfSsh, _) => new($"the connection to {host} broke off: {last}") { MayHaveArrived = true },
            (NotFound or NotExecutable, _) => new(
                $"there is no tsh on {host}: {last}",
                "an administrator installs it there, on the path of all accounts, or names it in authorized_keys: command=\"/path/of/tsh relay\"")
            { IsLasting = true },
            (Unreachable, _) when Says(UnreachableException.BrokenOff) =>
                new(
                    $"the daemon on {host} broke off the connection",
                    "try again in a moment; one account can hold only so many connections at a time")
                { MayHaveArrived = true },
            (Unreachable, _) => new($"no daemon answers on {host}", "an administrator starts certauthority there"),
            _ =>
                new($"{host} answers, but not with a relay: {last}", "the account there must be able to run tsh relay")
                {
                    IsLasting = true
                },
        };

        bool Says(params string[] parts) => parts.Any(part => said.Contains(part, StringComparison.Ordinal));
    }

    private static string Ssh(ServerAddress.Ssh server) =>
        $"ssh {(server.Port is null ? "" : $"-p {server.Port} ")}{(server.User is null ? "" : $"-l {server.User} ")}{server.Host}";
}
